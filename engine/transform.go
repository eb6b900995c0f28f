package engine

import (
	"context"
	"sync"

	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/parallel"
)

// transforms guards the making of Winograd's weights, which belong to the
// module and wait for the first workspace that needs them: loading does not pay
// for what no map is large enough to use.
type transforms struct {
	sync.Mutex
	floats int // made so far
}

// wanted lists Winograd's weights of the plan's steps that are not made yet,
// and counts the floats that they will take. The module's transforms are locked.
func (pl *Plan) wanted() (list []*kernels.PackedWinograd, floats int) {
	seen := map[*kernels.PackedWinograd]bool{}
	for i := range pl.steps {
		s := &pl.steps[i]
		if s.algorithm != winograd || s.packed.winograd.Made() || seen[s.packed.winograd] {
			continue
		}
		seen[s.packed.winograd] = true
		list = append(list, s.packed.winograd)
		floats += s.packed.winograd.Floats()
	}
	return list, floats
}

// Warm makes the weights that the plan wants beyond the packed ones, as the first
// NewWorkspace does otherwise: of a large network that takes as long as a picture.
// It returns ctx's error when that is done, and goes on from there in the next call.
func (pl *Plan) Warm(ctx context.Context, team *parallel.Team) error {
	t := &pl.module.transforms
	t.Lock()
	defer t.Unlock()
	list, floats := pl.wanted()
	room := kernels.Alloc(floats)
	rooms := make([][]float32, len(list))
	for i, w := range list {
		rooms[i], room = room[:w.Floats()], room[w.Floats():]
	}
	team.Do(len(list), parallel.Func(func(_, part int) {
		if ctx.Err() == nil {
			list[part].Transform(rooms[part])
		}
	}))
	for _, w := range list {
		if w.Made() {
			t.floats += w.Floats()
		}
	}
	return ctx.Err()
}

// WinogradBytes is the memory that Winograd's weights take once the plan has a
// workspace: its own and those that workspaces of other plans wanted before.
func (pl *Plan) WinogradBytes() int64 {
	t := &pl.module.transforms
	t.Lock()
	defer t.Unlock()
	_, floats := pl.wanted()
	return 4 * int64(t.floats+floats)
}

// WeightBytes is the memory that the packed weights take, without Winograd's.
func (p *Prepared) WeightBytes() int64 {
	seen := map[any]bool{}
	n := int64(0)
	for _, s := range p.module.steps {
		if s.each != nil {
			n += s.each.bytes()
		}
		if s.packed == nil || seen[s.packed.kernel()] {
			continue
		}
		seen[s.packed.kernel()] = true
		n += s.packed.bytes()
	}
	return n
}
