package augment

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// The part of a picture has its pixels, and the masks stay on theirs; what lies outside is gone.
func TestCutMovesMasksWithPixels(t *testing.T) {
	p := &Picture{Height: 6, Width: 8, Pix: make([]byte, 3*48)}
	bits := make([]byte, 48)
	for _, at := range []int{10, 11, 18, 19, 20, 28} { // rows 1 to 3, columns 2 to 4
		bits[at] = 1
		p.Pix[3*at] = 200
	}
	objects := []Object{
		{Class: 1, Box: box.Box{Y1: 1, X1: 2, Y2: 4, X2: 5}, Mask: NewPatch(rle.FromBitmap(6, 8, bits))},
		{Class: 2, Box: box.Box{Y1: 0, X1: 0, Y2: 2, X2: 3}}, // ends where the part begins
		{Class: 3, Box: box.Box{Y1: 5, X1: 0, Y2: 6, X2: 8}}, // begins where it ends
	}
	q, kept := Cut(p, objects, 2, 1, 3, 6)
	require.Equal(t, []int{3, 6, 3 * 3 * 6}, []int{q.Height, q.Width, len(q.Pix)})
	require.Len(t, kept, 1)
	require.Equal(t, box.Box{Y1: 0, X1: 1, Y2: 2, X2: 4}, kept[0].Box, "it begins above the part")
	inside := 0
	for y := range q.Height {
		for x := range q.Width {
			red := q.Pix[3*(y*q.Width+x)] > 0
			require.Equal(t, red, kept[0].Mask.at(y, x) == 1)
			if red {
				inside++
			}
		}
	}
	require.Equal(t, 4, inside)
	require.Equal(t, box.Box{Y1: 1, X1: 2, Y2: 4, X2: 5}, objects[0].Box, "the original stays")

	// The part is shown smaller than the input: what is beyond it is no part of an object.
	_, kept = Cut(p, []Object{{Class: 1, Box: box.Box{Y1: 0, X1: 0, Y2: 6, X2: 8}}}, 2, 1, 3, 3)
	v := Jitter(3, 3, 30, 30, 0.5, 0.5, Draws{})
	require.Equal(t, box.Box{Y2: 15, X2: 15}, v.Box(kept[0].Box))
}
