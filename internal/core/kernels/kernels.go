// Package kernels holds the inner loops: convolution, element-wise operations, the transforms of Winograd.
//
// A [Set] is one instruction set's version of all of them: generic (plain Go), avx2 (AVX2 and FMA), avx512
// (AVX-512 F) or neon (arm64). [Best] picks one. Callers split work into ranges and call from many goroutines; nothing here starts a
// goroutine or allocates while it computes.
//
// Activations are NHWC float32: the channels of a pixel are neighbours. Zero padding is in the caller's buffer, so no
// kernel knows about borders. Weights are packed once, by the set that will use them.
//
// On processors with AMX, avx512 also multiplies split numbers (split.go), for those who ask for it.
//
// Results do not depend on how work is split. avx2, avx512 and neon give the same bits: each output starts at the bias and
// adds its products one after another, row, column, channel of the window, with fused multiply-adds. generic follows
// the same order but rounds every product.
package kernels

//go:generate go -C _gen run . -o ..

import (
	"fmt"
	"os"
	"strings"
)

// EnvCPU names the environment variable that tells [Best] which set to take.
const EnvCPU = "SPINEMASK_CPU"

// Set is one instruction set's table of kernels.
type Set struct {
	Name string

	lanes  int // float32 values in a vector
	panel  int // vectors in most panels of packed weights
	blockK int // most input channels of a 1×1 window in one go, 0 for all: a block of a dense layer's weights has to stay in the cache

	tiles     [][]tileFunc // [vectors-1][pixels-1]; nil for plain Go
	activate  [activations]func(x []float32)
	add       func(dst, a, b []float32)
	max       func(dst, a []float32)
	blend4    func(dst, p00, p01, p10, p11 []float32, w00, w01, w10, w11 float32)
	peak      func(n int) int
	winograd  winogradSet
	train     trainSet
	depthwise depthwiseSet
	split     func() bool    // whether it multiplies split numbers; nil: never
	outers    [2][]outerFunc // [vectors-1][channels-1]; nil for plain Go
}

// Sets returns every set that runs on this machine, slowest first; the first is generic.
func Sets() []*Set { return append([]*Set{&generic}, assembly()...) }

// Best returns the fastest set of this machine, or the one that the environment variable SPINEMASK_CPU names, if
// this machine can run that. [Choose] tells why it cannot.
func Best() *Set {
	if s, err := Choose(os.Getenv(EnvCPU)); err == nil {
		return s
	}
	s, _ := Choose("")
	return s
}

// Choose returns the set with the given name, the fastest for "".
func Choose(name string) (*Set, error) {
	sets := Sets()
	if name == "" {
		return sets[len(sets)-1], nil
	}
	names := make([]string, len(sets))
	for i, s := range sets {
		if s.Name == name {
			return s, nil
		}
		names[i] = s.Name
	}
	return nil, fmt.Errorf("kernels: instruction set %q is unknown or this machine lacks it; it has %s", name, strings.Join(names, ", "))
}
