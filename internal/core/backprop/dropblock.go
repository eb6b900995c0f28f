package backprop

import (
	"math/bits"
	"math/rand/v2"
	"strings"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/core/portable"
)

// dropBlock drops squares of a map, in each channel others, and makes up for the mean
// (DropBlock, arXiv 1810.12890): y = x/share where the mask keeps and 0 elsewhere, share
// being the part of the batch's elements that are kept. Its places in a bottleneck, and
// the arithmetic, are those of tensorflow/tpu models/official/resnet/resnet_model.py,
// bottleneck_block and dropblock: before the second and the third convolution, and of both
// terms of the sum.
type dropBlock struct {
	unit  string
	level int        // of the unit's output
	kept  [][]uint64 // a bit for each element of an item, in the order rows, columns, channels; nil: all are kept
	share float32
}

// A DropBlock is a place where squares can be dropped.
type DropBlock struct {
	Unit                 string // "backbone/block03/unit0"
	Level                int    // of the unit's output: its rows times 2^Level are the input's
	Height, Width, Depth int    // of the map
}

// bottleneck is one that squares are dropped in.
type bottleneck struct {
	name  string
	level int
}

// dropBlocks finds the nodes in front of whose inputs squares are dropped.
func (p *Program) dropBlocks(nodes []graph.Node) map[string]bottleneck {
	found := map[string]bottleneck{}
	if p.options.DropBlockLevel == 0 {
		return found
	}
	third := map[string]bool{}
	for _, n := range nodes {
		if unit, ok := strings.CutSuffix(n.Name, "/conv2"); ok {
			third[unit] = true
		}
	}
	for i, n := range nodes {
		unit, ok := strings.CutSuffix(n.Name, "/add")
		if !ok || !third[unit] {
			continue
		}
		level := bits.Len(uint(p.values[0].h/p.values[i].h)) - 1 // the first value is the image
		if level >= p.options.DropBlockLevel {
			for _, node := range []string{"/conv1", "/conv2", "/add"} {
				found[unit+node] = bottleneck{unit, level}
			}
		}
	}
	return found
}

// drop puts a dropBlock in front of each input of a step, and adds to the counts of who
// reads a value those of the new ones: one each.
func (p *Program) drop(s *step, b bottleneck, readers []int) []int {
	for k, v := range s.in {
		x := p.values[v]
		out := len(p.values)
		p.values = append(p.values, &value{shape: x.shape, name: s.name + "/drop", step: len(p.steps), cheap: true})
		p.steps = append(p.steps, &step{name: s.name + "/drop", in: []int{v}, out: out, op: &dropBlock{unit: b.name, level: b.level, share: 1}})
		readers = append(readers, 1)
		s.in[k] = out
	}
	return readers
}

// DropBlocks lists the places at which squares can be dropped, see Options.DropBlockLevel.
func (p *Program) DropBlocks() (list []DropBlock) {
	for _, s := range p.steps {
		if o, ok := s.op.(*dropBlock); ok {
			x := p.values[s.out]
			list = append(list, DropBlock{o.unit, o.level, x.h, x.w, x.c})
		}
	}
	return list
}

// Drop drops squares in the batches that follow, at place i of DropBlocks. kept are masks
// of the items, of DropMask, share the part of the elements that are kept, in all items
// that belong together; nil drops nothing.
func (p *Program) Drop(i int, kept [][]uint64, share float64) {
	for _, s := range p.steps {
		if o, ok := s.op.(*dropBlock); ok {
			if i == 0 {
				o.kept, o.share = kept, float32(share)
				return
			}
			i--
		}
	}
	panic("backprop: no such place to drop squares")
}

// DropMask draws which elements of a map are kept when squares of side×side are dropped
// until about 1 − keep of all are, and says how many that leaves. The corner of a square
// lies in each place with the probability that resnet_model.py calls seed_drop_rate, and
// no square reaches beyond the map.
func DropMask(height, width, depth, side int, keep float64, r *rand.Rand) (kept []uint64, ones int) {
	n := height * width * depth
	kept = make([]uint64, (n+63)/64)
	for i := range kept {
		kept[i] = ^uint64(0)
	}
	if n%64 != 0 {
		kept[len(kept)-1] = 1<<(n%64) - 1
	}
	side = min(side, height, width)
	rows, columns := height-side+1, width-side+1
	rate := min((1-keep)*float64(height*width)/float64(side*side)/float64(rows*columns), 1)
	if rate <= 0 {
		return kept, n
	}
	// Of the places, of which few have a square, the next one is as many away as a geometric
	// distribution says.
	places := rows * columns * depth
	skip := func() int {
		if rate == 1 {
			return 0
		}
		return int(min(portable.Log1p(-r.Float64())/portable.Log1p(-rate), float64(places)))
	}
	for at := skip(); at < places; at += 1 + skip() {
		c, x, y := at%depth, at/depth%columns, at/depth/columns
		for i := range side {
			for j := range side {
				e := ((y+i)*width+x+j)*depth + c
				kept[e/64] &^= 1 << (e % 64)
			}
		}
	}
	for _, w := range kept {
		ones += bits.OnesCount64(w)
	}
	return kept, ones
}

func (o *dropBlock) trains() bool { return false }
func (o *dropBlock) reads() bool  { return false }

func (o *dropBlock) forward(p *Program, s *step) {
	o.run(p, &p.values[s.in[0]].map_, &p.values[s.out].map_)
}
func (o *dropBlock) again(p *Program, s *step, dst *Map) { o.run(p, p.kept(s.in[0]), dst) }

func (o *dropBlock) run(p *Program, x, dst *Map) {
	p.eachRow(dst, func(_, r int) {
		o.mask(dst.row(r), x.row(r), r, dst.Height)
		dst.clearBorder(r)
	})
}

// mask sets dst to x where row r of all rows is kept, times what makes up for the rest.
func (o *dropBlock) mask(dst, x []float32, r, height int) {
	if o.kept == nil {
		copy(dst, x)
		return
	}
	kept := o.kept[r/height]
	first := r % height * len(dst)
	for i, v := range x {
		if e := first + i; kept[e/64]>>(e%64)&1 != 0 {
			dst[i] = v / o.share
		} else {
			dst[i] = 0
		}
	}
}

func (o *dropBlock) backward(p *Program, s *step) {
	dy := &p.values[s.out].gradMap
	dx, add := p.gradOf(s.in[0])
	if dx == nil {
		return
	}
	p.team.Do(dy.rows(), parallel.Func(func(worker, r int) {
		to, g := dx.row(r), dy.row(r)
		if !add {
			o.mask(to, g, r, dy.Height)
			return
		}
		room := p.floats(worker, len(g))
		o.mask(room, g, r, dy.Height)
		p.set.Add(to, to, room, kernels.None)
	}))
}
