"""What a runner takes from a step: outputs, summary, annotations."""
