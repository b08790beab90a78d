"""What pages share: state, controls, loaders, charts, text and blocks. Imports dpcore, never a page."""
