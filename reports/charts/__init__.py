"""Charts as plain SVG, made from small aggregated frames: no script, no browser, no charting library.

Positions along x are shares of the plot's width and positions along y are pixels, so one drawing fits any width and its
text keeps its size. Legends are HTML beside the drawing and wrap like text.
"""
