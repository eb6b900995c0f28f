package bench

import (
	"sync"

	"github.com/spinemask/spinemask/internal/core/kernels"
)

// peak measures how many floating-point operations so many threads do per
// second at most, in billions. They run at once: a processor with one busy core
// has a higher clock.
func peak(set *kernels.Set, threads int) float64 {
	each := make([]float64, threads)
	var group sync.WaitGroup
	for i := range each {
		group.Go(func() { each[i] = set.Peak() })
	}
	group.Wait()
	total := 0.
	for _, p := range each {
		total += p / 1e9
	}
	return total
}
