// Package engine turns a graph into a program and runs it.
//
// [Prepare] compiles a graph and its weights once, without knowing sizes: small
// passes rewrite a tape of steps and pack the weights for the kernels.
// [Prepared.Plan] fixes the size of the input: it orders the steps and gives
// every value a place in one block of memory. [Plan.NewWorkspace] allocates
// that block, and [Workspace.Run] walks the steps, small ones that do not need
// each other side by side, allocating nothing. Results are the same bytes for
// any number of workers, because no split of the work changes the order of a
// sum.
package engine

import (
	"fmt"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
)

// Weights gives the stored arrays of a network by name, as package graph names
// them. Prepare asks from several goroutines; the returned values must stay as
// they are until it returns.
type Weights interface {
	Float32(name string) ([]float32, error)
}

// A Releaser is Weights that want to know which arrays are packed and not asked
// for again: the memory of a large model need not hold its kernels twice.
// Release is called from several goroutines.
type Releaser interface {
	Release(name string)
}

// Options of the compiler.
type Options struct {
	Kernels *kernels.Set // nil: the best that the machine runs
	// Height and Width are the size of input that the program is mostly run at:
	// Winograd's tiles are chosen for its maps. Without them nothing is computed
	// by Winograd.
	Height, Width int
	// NoWinograd computes everything directly, in float32 multiply-adds: about
	// twice as slow, with a tenth to a half of the rounding error of a layer, and a sixth of the memory
	// for 3×3 kernels.
	NoWinograd bool
	// Fast computes with split numbers where the machine multiplies those
	// (kernels.Set.HasSplit): in less time and memory, with a rounding error of up
	// to 5e-6 in every layer. Elsewhere it changes nothing, and nothing beside
	// NoWinograd.
	Fast bool
	// Threads pack the weights; 0 means 1.
	Threads int
	// Pick names an output, made by a 1×1 convolution, of which a run computes
	// one channel for each row: the one that Workspace.Pick says. It then has
	// one channel.
	Pick string
}

// A pass is one rewriting of the tape.
type pass struct {
	name string
	run  func(*module) error
}

// passes in the order in which they run. Each keeps what the module computes,
// up to rounding.
var passes = []pass{
	{"fold norm", foldNorm},             // first: norms would stand between all that follow
	{"hoist pointwise", hoistPointwise}, // before fuse: moves convolutions away from the additions that would absorb them
	{"fuse", fuse},                      // before select: an epilogue can rule an algorithm out
	{"select", selectAlgorithms},        // before pack: the layout is the algorithm's
	{"pack", pack},
}

// Prepared is a compiled network without sizes. It is safe for concurrent use.
type Prepared struct {
	module *module
}

// Prepare compiles a graph. The graph is not changed and not kept; the weights
// are free to go when it returns.
func Prepare(g *graph.Graph, w Weights, o Options) (*Prepared, error) {
	if err := g.Err(); err != nil {
		return nil, err
	}
	m, err := newModule(g, w, o)
	if err != nil {
		return nil, err
	}
	for _, p := range passes {
		if err := p.run(m); err != nil {
			return nil, fmt.Errorf("engine: %s: %w", p.name, err)
		}
	}
	m.weights = nil
	return &Prepared{m}, nil
}
