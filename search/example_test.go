package search_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/search"
)

// A search is a loop of proposing, scoring and learning. The score here stands for
// the training of a small network: the share of blocks with the feature before them
// for a parent.
func Example() {
	score := func(t *config.BlockTable) (s float64) {
		for i, b := range t.Blocks {
			if b.In[1] == len(t.Stem)+i-1 {
				s += 1 / float64(len(t.Blocks))
			}
		}
		return s
	}
	space := search.SpineNet49()
	best := map[string]float64{}
	for _, name := range []string{"evolution", "random"} {
		controller, err := search.NewController(name, space, 1)
		if err != nil {
			panic(err)
		}
		for i := range uint64(300) {
			choices := controller.Propose(rand.New(rand.NewPCG(1, i)))
			table, err := space.Table(choices)
			if err != nil {
				panic(err)
			}
			best[name] = max(best[name], score(table))
			controller.Learn(choices, score(table))
		}
	}
	fmt.Println("better than random:", best["evolution"] > best["random"])
	// Output: better than random: true
}
