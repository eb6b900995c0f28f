package train

import (
	"slices"

	"github.com/spinemask/spinemask/dataset"
)

// HoldOut splits a data set: a tenth of the images, at least one, chosen by the seed,
// is for validation.
func HoldOut(set *dataset.Set, seed uint64) (train, validation *dataset.Set) {
	n := max(1, len(set.Images)/10)
	held := draws(seed, forHoldout, 0, 0).Perm(len(set.Images))[:n]
	slices.Sort(held)
	return split(set, held)
}
