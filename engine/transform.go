package engine

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/parallel"
)

// transforms are Winograd's weights, which belong to the module and wait for the
// first workspace that needs them: loading does not pay for what no map is large
// enough to use.
type transforms struct {
	sync.Mutex
	of     map[*kernels.PackedWinograd]*transform
	floats int // of all rooms
}

// transform is the making of one convolution's weights.
type transform struct {
	room  []float32
	begun atomic.Bool
	made  chan struct{} // closed when they are
}

// wanted lists the weights of the plan's steps, and counts the floats of those
// that have no room yet. The module's transforms are locked.
func (pl *Plan) wanted() (list []*kernels.PackedWinograd, floats int) {
	seen := map[*kernels.PackedWinograd]bool{}
	for i := range pl.steps {
		s := &pl.steps[i]
		if s.algorithm != winograd || seen[s.packed.winograd] {
			continue
		}
		w := s.packed.winograd
		seen[w] = true
		list = append(list, w)
		if pl.module.transforms.of[w] == nil {
			floats += w.Floats()
		}
	}
	return list, floats
}

// Warm makes the weights that the plan wants beyond the packed ones, as the first
// NewWorkspace does otherwise: of a large network that takes as long as a picture.
// Calls at the same time share the work. It returns ctx's error when that is done,
// and goes on from there in the next call.
func (pl *Plan) Warm(ctx context.Context, team *parallel.Team) error {
	list, all := pl.rooms()
	team.Do(len(list), parallel.Func(func(_, part int) {
		if w, t := list[part], all[part]; ctx.Err() == nil && !t.begun.Swap(true) {
			w.Transform(t.room)
			close(t.made)
		}
	}))
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, t := range all { // those that another call has begun
		select {
		case <-t.made:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// rooms gives each of the plan's weights its memory, all that have none in one
// block.
func (pl *Plan) rooms() (list []*kernels.PackedWinograd, all []*transform) {
	ts := &pl.module.transforms
	ts.Lock()
	defer ts.Unlock()
	if ts.of == nil {
		ts.of = map[*kernels.PackedWinograd]*transform{}
	}
	list, floats := pl.wanted()
	room := kernels.Alloc(floats)
	ts.floats += floats
	for _, w := range list {
		t := ts.of[w]
		if t == nil {
			t = &transform{made: make(chan struct{})}
			t.room, room = room[:w.Floats()], room[w.Floats():]
			ts.of[w] = t
		}
		all = append(all, t)
	}
	return list, all
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
