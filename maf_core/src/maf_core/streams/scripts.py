"""What a group's consumers do on the server in one step each, so that nobody touches what is no longer theirs.

All keys are streams that one command can reach; the first arguments are the group and the consumer.
"""

from __future__ import annotations

# Take the first entry after ARGV[4]: one that this consumer holds since before, or, when a lease is given (ARGV[5], in
# milliseconds), one that another has held longer; ARGV[6] is more than this consumer holds. Claiming, unlike reading
# again, counts (ARGV[7]): an entry that kills its consumer each time must be given up. What was delivered ARGV[3] times
# already is only named, for it is to be begun alone; what was deleted is dropped.
TAKE = """
local group, me, after, lease, rows = ARGV[1], ARGV[2], ARGV[4], ARGV[5], nil
if lease == '' then
  rows = redis.call('XPENDING', KEYS[1], group, after, '+', 1, me)
else
  rows = redis.call('XPENDING', KEYS[1], group, 'IDLE', lease, after, '+', ARGV[6])
end
for _, row in ipairs(rows) do
  local id, holder, count = row[1], row[2], row[4]
  if lease == '' or holder ~= me then
    if count >= tonumber(ARGV[3]) then return {id, count} end
    local times = count + tonumber(ARGV[7])
    local found = redis.call('XCLAIM', KEYS[1], group, me, 0, id, 'RETRYCOUNT', times)
    if found[1] then return {id, times, found[1][2]} end
    redis.call('XACK', KEYS[1], group, id)
    return {id, 0}
  end
end
return {}
"""

# For each stream the number of ids and the ids, the oldest first, from ARGV[4]; ARGV[3] is the lease in milliseconds.
_HELD = """
local group, me, lease = ARGV[1], ARGV[2], ARGV[3]
local function each(act)
  local at = 4
  for place, stream in ipairs(KEYS) do
    local ids = {}
    for i = at + 1, at + tonumber(ARGV[at]) do ids[#ids + 1] = ARGV[i] end
    at = at + #ids + 1
    act(stream, ids, place)
  end
end
local function held(stream, first, last)
  local rows, mine = redis.pcall('XPENDING', stream, group, first, last, 100000, me), {}
  for _, row in ipairs(rows.err and {} or rows) do mine[row[1]] = row[4] end
  return mine
end
"""
_ACK = """
each(function(stream, ids)
  local mine, done = held(stream, ids[1], ids[#ids]), {}
  for _, id in ipairs(ids) do
    if mine[id] then done[#done + 1] = id end
  end
  if #done > 0 then redis.call('XACK', stream, group, unpack(done)) end
end)
"""
_RENEW = """
local lost = {}
each(function(stream, ids, place)
  local mine = held(stream, ids[1], ids[#ids])
  for _, id in ipairs(ids) do
    if mine[id] then
      redis.call('XCLAIM', stream, group, me, 0, id, 'JUSTID')
    else
      lost[#lost + 1] = {place, id}
    end
  end
end)
return lost
"""
# Removing a consumer forgets what it holds, and a read that was cut short may have given it something just now. Leaving
# in good order is no death: the last delivery of what it began or might have begun does not count.
_LEAVE = """
each(function(stream, ids)
  local mine = held(stream, '-', '+')
  for _, id in ipairs(ids) do
    if mine[id] then mine[id] = mine[id] - 1 end
  end
  for id, count in pairs(mine) do
    redis.call('XCLAIM', stream, group, me, 0, id, 'IDLE', lease, 'RETRYCOUNT', count, 'JUSTID')
  end
  if not next(held(stream, '-', '+')) then redis.pcall('XGROUP', 'DELCONSUMER', stream, group, me) end
end)
"""

ACK = _HELD + _ACK
RENEW = _HELD + _RENEW
LEAVE = _HELD + _LEAVE

# Here the second argument is how long, in milliseconds, a consumer has been silent.
FORGET = """
local gone, all = 0, redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if all.err then return 0 end
for _, found in ipairs(all) do
  local consumer = {}
  for i = 1, #found, 2 do consumer[found[i]] = found[i + 1] end
  if consumer['pending'] == 0 and consumer['idle'] >= tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer['name'])
    gone = gone + 1
  end
end
return gone
"""
