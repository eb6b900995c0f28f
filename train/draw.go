package train

import "math/rand/v2"

// What numbers are drawn for. A stream of numbers follows from the seed, the step,
// the image and one of these, so that going on with a run needs no state of them.
const (
	forOrder uint64 = iota + 1
	forView
	forColor
	forAnchors
	forRegions
	forHoldout
	forWeights
	forDepth
	forDropBlock
	forFolds
	forWindow
)

// draws is the stream of numbers for a purpose.
func draws(seed, purpose uint64, step, image int) *rand.Rand {
	return rand.New(rand.NewPCG(seed^purpose<<56, uint64(step)<<20|uint64(image)&(1<<20-1)))
}

// pick is the index of the image in a slot of a step's batch: a random order of all
// images, another one for each epoch, through which the batches go.
func pick(seed uint64, images, batch, step, slot int) int {
	n := step*batch + slot
	return draws(seed, forOrder, n/images, 0).Perm(images)[n%images]
}
