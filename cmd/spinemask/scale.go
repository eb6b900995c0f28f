package main

import (
	"fmt"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/tile"
)

// tiles says how images are cut for the model; a Size of 0 is not at all.
func (f *segmentFlags) tiles(c *config.Config) (o tile.Options, err error) {
	o = tile.Options{Size: f.tile, Overlap: f.tile / 4}
	if f.scale != 0 {
		if o, err = tile.AtScale(c, f.scale); err != nil {
			return o, err
		}
		if pixels := int64(o.Size) * int64(o.Size); pixels > f.maxPixels {
			return o, hinted{fmt.Errorf("--scale %g: tiles of %d pixels a side; want at most %d pixels in all", f.scale, o.Size, f.maxPixels), "--max-pixels allows more"}
		}
	}
	o.Workers = f.atOnce
	if f.overlap != 0 {
		o.Overlap = f.overlap
	}
	if o.Size == 0 || o.Check() == nil {
		return o, nil
	}
	what := fmt.Sprintf("--tile %d", f.tile)
	if f.scale != 0 {
		what = fmt.Sprintf("--scale %g", f.scale)
	}
	return o, fmt.Errorf("%s --overlap %d: tiles of %d pixels; want at least %d, and an overlap of at most half of that", what, o.Overlap, o.Size, tile.MinSize)
}
