package train

import (
	"fmt"
	"math"
)

// depth gives the residual branches of the permuted blocks and how often stochastic
// depth leaves each out: Depth·(i + 1)/16 for block i, the same for all its units. The
// Model Garden counts a sixteenth block, of level 2, that its networks do not have
// (modeling/backbones/spinenet.py).
func (t *Trainer) depth() map[string]float64 {
	rates := map[string]float64{}
	if t.recipe.Depth == 0 {
		return rates
	}
	for _, place := range t.net.programs()[0].Branches() {
		var block, unit int
		if n, _ := fmt.Sscanf(place, "backbone/block%d/unit%d", &block, &unit); n == 2 {
			rates[place] = depthRate(t.recipe.Depth, block)
		}
	}
	return rates
}

func depthRate(last float64, block int) float64 { return last * float64(block+1) / 16 }

// drop draws which branches are left out, for each image of a batch or of a part.
func (t *Trainer) drop(b batch) {
	trunk := t.net.programs()[0]
	for i, place := range trunk.Branches() {
		rate, ok := t.branches[place]
		if !ok {
			continue
		}
		r := draws(t.recipe.Seed, forDepth, b.step, i)
		for range b.first { // those of the parts before
			r.Float64()
		}
		factors := make([]float32, t.net.input().Items)
		for k := range factors {
			factors[k] = keepFactor(rate, r.Float64())
		}
		trunk.Keep(place, factors)
	}
}

// keepFactor is 0 for a branch that is left out, by a draw u in [0, 1), and makes the
// mean of the others 1 (modeling/layers/nn_layers.py, StochasticDepth).
func keepFactor(rate, u float64) float32 {
	return float32(math.Floor(1-float64(rate)+float64(u)) / (1 - rate))
}
