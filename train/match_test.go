package train

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/rle"
)

func square(x, side int) (rle.Mask, box.Box) {
	return rle.FromBox(float64(x), 10, float64(side), float64(side), 40, 100),
		box.Box{Y1: 10, X1: float32(x), Y2: float32(10 + side), X2: float32(x + side)}
}

func TestMatchAndThreshold(t *testing.T) {
	var objects []dataset.Object
	for i, x := range []int{10, 40, 70} {
		m, b := square(x, 10)
		objects = append(objects, dataset.Object{Category: i / 2, Mask: m, Box: b})
	}
	objects[2].Crowd = true
	var instances []spinemask.Instance
	for _, in := range []struct {
		x, class int
		score    float32
	}{{11, 5, 0.9}, {10, 5, 0.8}, {40, 9, 0.7}, {42, 5, 0.6}, {71, 9, 0.5}, {0, 5, 0.2}} {
		m, b := square(in.x, 10)
		instances = append(instances, spinemask.Instance{Category: in.class, Score: in.score, Mask: m, Box: b})
	}
	got := match(instances, objects, []dataset.Category{{ID: 5}, {ID: 9}})
	var right []bool
	for _, f := range got {
		right = append(right, f.right)
	}
	// The first takes the object from the second; the third has another class; the
	// fifth lies on a crowd and is left out.
	require.Equal(t, []bool{true, false, false, true, false}, right)

	threshold, f1 := bestThreshold(got, 2)
	require.InDelta(t, 0.85, threshold, 1e-6) // as good as 0.4, with which two of four are right
	require.InDelta(t, 2*1./(1+2), f1, 1e-9)
	s := ImageScore{found: got}
	s.at(threshold)
	require.Equal(t, []int{1, 0}, []int{s.Right, s.Wrong})
	s.at(0.4)
	require.Equal(t, []int{2, 2}, []int{s.Right, s.Wrong})
	threshold, f1 = bestThreshold(nil, 3)
	require.Equal(t, []float64{0.5, 0}, []float64{threshold, f1})
}
