package coco

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Small objects are no fractions of the image.
func TestSmallBoxesAreNoFractions(t *testing.T) {
	for _, b := range [][4]float64{{0, 0, 1, 1}, {1, 0, 1, 1}, {0, 0, 0, 0}, {.5, .5, 2, .5}} {
		var c BoxCheck
		c.Add(&b, 9, 9)
		require.Zero(t, c.Fractions(), b)
	}
}
