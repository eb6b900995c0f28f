package spinemask

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// What has no pixel in the picture is dropped: a mask without one, a box beside it. A box alone, as RetinaNet gives it, stays.
func TestInstancesLieInThePicture(t *testing.T) {
	pixel, nothing := rle.FromBitmap(4, 6, append(make([]byte, 23), 1)), rle.FromBitmap(4, 6, make([]byte, 24))
	inside, across := box.Box{Y1: 1, X1: 2, Y2: 4, X2: 6}, box.Box{Y1: 1, X1: 2, Y2: 9, X2: 8}
	beside, at := box.Box{Y1: 4, X1: 0, Y2: 7, X2: 5}, box.Box{Y1: 0, X1: 6, Y2: 3, X2: 9}
	r := &Result{Height: 4, Width: 6, Instances: []Instance{
		{Score: 0.9, Box: across, Mask: pixel}, {Score: 0.8, Box: inside, Mask: nothing}, {Score: 0.7, Box: beside}, {Score: 0.6, Box: at}, {Score: 0.5, Box: inside},
	}}
	r.clip()
	require.Equal(t, []Instance{{Score: 0.9, Box: inside, Mask: pixel}, {Score: 0.5, Box: inside}}, r.Instances)
}
