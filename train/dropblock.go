package train

import (
	"math"

	"github.com/spinemask/spinemask/internal/core/backprop"
	"github.com/spinemask/spinemask/internal/core/parallel"
)

// DropBlock drops squares of the maps inside bottlenecks (arXiv 1810.12890). The share that
// is dropped grows in a line from nothing to 1 − Keep over the run, and is a quarter of that in
// the first level.
type DropBlock struct {
	Keep  float64 `json:"keep"`  // of a map at the end of the run
	Size  int     `json:"size"`  // side of a square, in pixels of the map
	Level int     `json:"level"` // of the first bottlenecks with it
}

// level is the first one with DropBlock, 0 if there is none.
func (d *DropBlock) level() int {
	if d == nil {
		return 0
	}
	return d.Level
}

// keep is the part that is kept of a map inside a bottleneck of a level in a step: groups 3
// and 4 of a ResNet, whose levels are 4 and 5, as tensorflow/tpu
// models/official/resnet/resnet_main.py has it.
func (d *DropBlock) keep(level, step, steps int) float64 {
	dropped := float64(step) / float64(steps) * (1 - d.Keep)
	if level == d.Level {
		dropped /= 4
	}
	return 1 - dropped
}

// dropBlocks draws what is dropped in a batch or a part of one. The part of the elements
// that are kept is that of the whole batch, of whose other images the squares are drawn for
// that alone.
func (t *Trainer) dropBlocks(b batch) {
	d := t.recipe.DropBlock
	if d == nil {
		return
	}
	trunk := t.net.programs()[0]
	items := t.net.input().Items
	for place, at := range trunk.DropBlocks() {
		keep := d.keep(at.Level, b.step, t.recipe.Steps)
		kept, ones := make([][]uint64, items), make([]int, t.recipe.Batch)
		t.team.Do(t.recipe.Batch, parallel.Func(func(_, image int) {
			r := draws(t.recipe.Seed, forDropBlock, b.step, place<<10|image)
			mask, n := backprop.DropMask(at.Height, at.Width, at.Depth, d.Size, keep, r)
			if ones[image] = n; b.first <= image && image < b.first+items {
				kept[image-b.first] = mask
			}
		}))
		all := 0
		for _, n := range ones {
			all += n
		}
		share := float64(all) / float64(t.recipe.Batch*at.Height*at.Width*at.Depth)
		trunk.Drop(place, kept, math.Max(share, math.SmallestNonzeroFloat32))
	}
}
