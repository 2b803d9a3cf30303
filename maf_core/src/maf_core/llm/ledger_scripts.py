"""What the server does in one step: reserve at several levels at once, and settle. In Lua."""

from __future__ import annotations

# A level is a hash: what is used, of that what is only held by calls under way, until when one may be under way, and a
# field for each reservation, "owner|tokens|usd|calls|ms".
_LEVEL = """
local NAMES = {'tokens', 'usd', 'calls', 'ms'}
local ID = 'r:' .. ARGV[1]
local OWNER = ARGV[2]

local function whole(number)
  return string.format('%.0f', number)
end

local function read(key)
  local saved = redis.call('HMGET', key, 'tokens', 'usd', 'calls', 'ms',
    'held_tokens', 'held_usd', 'held_calls', 'held_ms', 'until', ID)
  local level = {key = key, used = {}, held = {}, busy_until = tonumber(saved[9] or 0)}
  for i = 1, 4 do
    level.used[i] = tonumber(saved[i] or 0)
    level.held[i] = tonumber(saved[i + 4] or 0)
  end
  if saved[10] then
    local found = {string.match(saved[10], '^(.*)|(%d+)|(%d+)|(%d+)|(%d+)$')}
    level.owner, level.own = found[1], {}
    for i = 1, 4 do level.own[i] = tonumber(found[i + 1]) end
  end
  return level
end

local function let_go(level)
  for i = 1, 4 do
    level.used[i] = level.used[i] - level.own[i]
    level.held[i] = level.held[i] - level.own[i]
  end
end

local function write(level, ttl)
  local fields = {'until', whole(level.busy_until)}
  for i = 1, 4 do
    fields[#fields + 1] = NAMES[i]
    fields[#fields + 1] = whole(level.used[i])
    fields[#fields + 1] = 'held_' .. NAMES[i]
    fields[#fields + 1] = whole(level.held[i])
  end
  redis.call('HSET', level.key, unpack(fields))
  redis.call('EXPIRE', level.key, ttl)
end
"""

# What an earlier process reserved for the same call is replaced: that call is being made again. A refusal by a level
# that calls under way would not leave room in either, even if they cost nothing, comes before one that may pass.
RESERVE = (
    _LEVEL
    + """
local input, output, least, price_in, price_out, ms, least_ms, calls =
  unpack({tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]),
    tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])})
local FIRST, STRIDE, GRACE = 11, 5, 5000
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function usd(tokens)
  return math.ceil((input * price_in + tokens * price_out) / 1e6)
end

local function room(limits, used)
  local fits, wait = output, ms
  if limits[1] >= 0 then fits = math.min(fits, limits[1] - used[1] - input) end
  if fits < least then return nil, 1 end
  if limits[2] >= 0 then
    local left = (limits[2] - used[2]) * 1e6 - input * price_in
    if price_out > 0 then fits = math.min(fits, math.floor(left / price_out)) end
    if left < 0 or fits < least then return nil, 2 end
  end
  if limits[3] >= 0 and limits[3] - used[3] < calls then return nil, 3 end
  if limits[4] >= 0 then wait = math.min(wait, limits[4] - used[4]) end
  if wait < least_ms then return nil, 4 end
  return fits, wait
end

local function without_held(level)
  local used = {}
  for i = 1, 4 do used[i] = level.used[i] - level.held[i] end
  return used
end

local levels, refusal = {}, nil
for n, key in ipairs(KEYS) do
  local level, limits = read(key), {}
  for i = 1, 4 do limits[i] = tonumber(ARGV[FIRST + (n - 1) * STRIDE + i - 1]) end
  if level.own then let_go(level) end
  local fits, wait = room(limits, level.used)
  if fits then
    output, ms = fits, wait
  else
    local what = wait
    local needs = {input + least, usd(least), calls, least_ms}
    local passing = now < level.busy_until and room(limits, without_held(level)) ~= nil
    local found = {0, n, what, level.used[what], limits[what], needs[what], passing and 1 or 0}
    if not passing then return found end
    refusal = refusal or found
  end
  levels[n] = level
end
if refusal then return refusal end

local cost = {input + output, usd(output), calls, ms}
for n, level in ipairs(levels) do
  for i = 1, 4 do
    level.used[i] = level.used[i] + cost[i]
    level.held[i] = level.held[i] + cost[i]
  end
  level.busy_until = math.max(level.busy_until, now + ms + GRACE)
  redis.call('HSET', level.key, ID,
    OWNER .. '|' .. whole(cost[1]) .. '|' .. whole(cost[2]) .. '|' .. whole(cost[3]) .. '|' .. whole(cost[4]))
  write(level, ARGV[FIRST + n * STRIDE - 1])
end
return {1, output, ms}
"""
)

# Whoever finds that another has replaced the reservation has spent all the same.
SETTLE = (
    _LEVEL
    + """
for n, key in ipairs(KEYS) do
  local level = read(key)
  if level.own and level.owner == OWNER then
    let_go(level)
    redis.call('HDEL', key, ID)
  end
  for i = 1, 4 do level.used[i] = level.used[i] + tonumber(ARGV[i + 2]) end
  write(level, ARGV[n + 6])
end
"""
)
