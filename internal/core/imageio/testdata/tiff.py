"""A time series of three pictures by tifffile 2026.3.3, 9 columns of 5 rows.  python tiff.py"""
import os
import numpy as np
import tifffile

t, y, x = np.indices((3, 5, 9))
tifffile.imwrite(os.path.join(os.path.dirname(os.path.abspath(__file__)), "tiff", "times.tif"), (1000 + 100 * t + 10 * y + x).astype(np.uint16),
                 imagej=True, resolution=(1 / 0.25, 1 / 0.5), metadata={"axes": "TYX", "unit": "um"})
