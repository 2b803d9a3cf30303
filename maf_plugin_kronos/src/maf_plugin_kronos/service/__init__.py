"""The forecast service: sampled price paths behind HTTP. Needs the extra `serve`."""
