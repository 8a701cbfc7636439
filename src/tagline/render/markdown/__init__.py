"""The comment on a change, and everything in it: tables, charts, diagrams, untrusted text made safe."""
