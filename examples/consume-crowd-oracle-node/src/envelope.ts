// What is on the wire, as far as this program reads it. Unknown fields are ignored, other versions are passed over.

export type Decision =
  | { kind: "polymarket_side"; side: "YES" | "NO" | "SKIP"; edge_bps: number; suggested_size_usd: number }
  | { kind: "fomo2_signal"; signal: "BUY" | "SELL" | "HOLD"; confidence: number; horizon_hours: number }
  | { kind: "oddsoddy_multiplier"; multiplier: number; gate: boolean; reason: string };

export interface Prediction {
  outcome: string;
  probability: number;
  dissent_pct: number;
  source_type: string;
  source_id: string;
}

export interface Envelope {
  correlationId: string;
  prediction: Prediction;
  decision: Decision;
}

const KINDS = new Set(["polymarket_side", "fomo2_signal", "oddsoddy_multiplier"]);

/** The envelope in an entry's `data`; undefined for another version or kind, and for what cannot be read. */
export function decode(data: string | undefined): Envelope | undefined {
  try {
    const raw = JSON.parse(data ?? "");
    if (raw.schema_version !== "1" || !KINDS.has(raw.decision_kind) || typeof raw.correlation_id !== "string") {
      return undefined;
    }
    const prediction: Prediction = raw.prediction;
    if (typeof prediction.probability !== "number" || typeof prediction.source_type !== "string") {
      return undefined;
    }
    return { correlationId: raw.correlation_id, prediction, decision: { kind: raw.decision_kind, ...raw.decision } };
  } catch {
    return undefined;
  }
}

/** A prediction in one line. */
export function describe({ prediction, decision }: Envelope): string {
  const crowd = `${prediction.outcome} ${Math.round(prediction.probability * 100)}%`;
  return `${prediction.source_type} ${prediction.source_id} ${crowd} ${said(decision)}`;
}

function said(decision: Decision): string {
  switch (decision.kind) {
    case "polymarket_side":
      return `${decision.side} edge ${decision.edge_bps} bps ${decision.suggested_size_usd.toFixed(2)} USD`;
    case "fomo2_signal":
      return `${decision.signal} confidence ${decision.confidence.toFixed(2)} ${decision.horizon_hours} h`;
    case "oddsoddy_multiplier":
      return decision.gate ? "VETO" : `x${decision.multiplier.toFixed(2)}`;
  }
}
