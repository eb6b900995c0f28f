package engine

import (
	"fmt"

	"github.com/spinemask/spinemask/graph"
)

// A Plan is a program for one size of input: the order of the steps and the
// place of every value in an arena that a workspace will allocate. It holds no
// memory for values and is safe for concurrent use.
type Plan struct {
	module  *module
	rows    int    // most rows of a run
	steps   []step // in the order of running
	layouts []layout
	size    int // floats of the arena
}

// Plan returns the program for inputs of h×w pixels and at most the given
// number of rows (1 for a map).
func (p *Prepared) Plan(h, w, rows int) (*Plan, error) {
	if h < 1 || w < 1 || rows < 1 {
		return nil, fmt.Errorf("engine: plan for %d rows of %d×%d pixels", rows, h, w)
	}
	pl := &Plan{module: p.module, rows: rows}
	if err := pl.infer(h, w); err != nil {
		return nil, err
	}
	pl.spread()
	pl.steps = schedule(p.module, pl.layouts)
	pl.chooseByTiles()
	pl.poolInBands()
	pl.formWaves()
	pl.size = place(p.module, pl.steps, pl.layouts, rows)
	pl.placeSums()
	return pl, nil
}

// placeSums gives the sums of rows that a mean is made of a place behind all values:
// they are a small part of their map.
func (pl *Plan) placeSums() {
	for i := range pl.steps {
		if _, ok := pl.steps[i].op.(graph.Mean); !ok {
			continue
		}
		if p := pl.summed(&pl.steps[i]); p != nil {
			p.sums = pl.size
			shape := pl.layouts[p.out].shape
			pl.size += (shape.H*shape.C*pl.rows + alignment - 1) / alignment * alignment
			p.summed = true
		}
	}
}

// summed is the depthwise step whose map a mean reads, nil if another step makes
// it.
func (pl *Plan) summed(mean *step) *step {
	for i := range pl.steps {
		if p := &pl.steps[i]; p.out == mean.in[0] && p.depthwise() {
			return p
		}
	}
	return nil
}

// infer finds the shapes of all values and the borders that their readers want.
func (pl *Plan) infer(h, w int) error {
	m := pl.module
	pl.layouts = make([]layout, len(m.values))
	for _, in := range m.inputs {
		pl.layouts[in.value].shape = in.Size(h, w)
	}
	for i := range m.steps {
		s := &m.steps[i]
		in := make([]graph.Shape, len(s.in))
		for j, v := range s.in {
			in[j] = pl.layouts[v].shape
			if s.factors != nil {
				in[j].H *= s.factors[j]
				in[j].W *= s.factors[j]
			}
		}
		if s.residual {
			in = in[:1]
		}
		shape, err := s.op.Shape(in)
		if err == nil && (shape.H < 1 || shape.W < 1) {
			err = fmt.Errorf("%v is too small", in[0])
		}
		if err == nil && s.residual && shape != pl.layouts[s.in[1]].shape {
			err = fmt.Errorf("add: %v and %v", shape, pl.layouts[s.in[1]].shape)
		}
		if err != nil {
			return fmt.Errorf("engine: %s: %w", s.name, err)
		}
		if s.algorithm == picked {
			shape.C = 1
		}
		pl.layouts[s.out].shape = shape
		x := &pl.layouts[s.in[0]]
		x.border = x.border.grow(windowBorder(s, x.shape))
	}
	return nil
}

// A set of a first-level cache holds the lines that are 4 KB apart, eight or
// twelve of them: fewer than the pixels that a micro-kernel reads side by side.
const (
	gapChannels = 512 // 2 KB, which a stride of two doubles
	gapFloats   = 16  // a cache line
)

// spread leaves a gap behind each pixel of the maps whose pixels would share a set
// of the first-level cache. Only convolutions may make and read such a map.
func (pl *Plan) spread() {
	m := pl.module
	ok := make([]bool, len(m.values))
	for i := range m.steps {
		s := &m.steps[i]
		ok[s.out] = s.spreads() && pl.layouts[s.out].shape.C%gapChannels == 0
	}
	for i := range m.steps {
		if s := &m.steps[i]; !s.spreads() {
			for _, v := range s.in {
				ok[v] = false
			}
		}
	}
	for _, o := range m.outputs {
		ok[o.value] = false
	}
	for v := range ok {
		if ok[v] {
			pl.layouts[v].gap = gapFloats
		}
	}
}

// spreads says whether the step may read and write maps with gaps.
func (s *step) spreads() bool {
	_, ok := s.op.(graph.Conv)
	return ok && (s.algorithm == direct || s.algorithm == winograd)
}

// ArenaBytes is the memory for values that a workspace of this plan takes.
func (pl *Plan) ArenaBytes() int64 { return 4 * int64(pl.size) }

// ScratchBytes is the memory that a workspace of this plan takes for each of so
// many workers.
func (pl *Plan) ScratchBytes(workers int) int64 { return 4 * int64(pl.scratch(workers)) }

// chooseByTiles computes directly what has too few of Winograd's tiles. Of rows
// there are many, and how many must not decide how one is rounded.
func (pl *Plan) chooseByTiles() {
	most := map[string]int{} // tiles of the steps with some weights
	for i := range pl.steps {
		if s := &pl.steps[i]; s.algorithm == winograd {
			most[s.weights] = max(most[s.weights], pl.tiles(s))
		}
	}
	for i := range pl.steps {
		s := &pl.steps[i]
		if s.algorithm != winograd {
			continue
		}
		least := winogradTiles
		if most[s.weights] >= winogradTiles {
			least = sharedTiles
		}
		if n := pl.tiles(s); n == 0 || pl.rows == 1 && n < least {
			s.algorithm = direct
		}
	}
}

// tiles counts Winograd's tiles of a step's output, 0 where that is smaller than
// one.
func (pl *Plan) tiles(s *step) int {
	w, shape := s.packed.winograd, pl.layouts[s.out].shape
	h, v := w.Rows[0], w.Cols[0]
	if shape.H < h || shape.W < v {
		return 0
	}
	return ((shape.H + h - 1) / h) * ((shape.W + v - 1) / v)
}
