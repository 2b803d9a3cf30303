"""What a decision is made from: adapters, bindings and how fresh they are."""
