package box

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// randomBoxes are n boxes of sides 2…side about places in a square of the given size, some of them equal.
func randomBoxes(r *rand.Rand, n int, size, side float64) []Box {
	boxes := make([]Box, n)
	for i := range boxes {
		y, x := r.Float64()*size, r.Float64()*size
		h, w := 2*math.Pow(side/2, r.Float64()), 2*math.Pow(side/2, r.Float64())
		boxes[i] = Box{float32(y - h/2), float32(x - w/2), float32(y + h/2), float32(x + w/2)}
		if i > 0 && r.IntN(10) == 0 {
			boxes[i] = boxes[r.IntN(i)]
		}
	}
	return boxes
}

func TestDecodeUndoesEncode(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	boxes, anchors := randomBoxes(r, 2000, 300, 200), randomBoxes(r, 2000, 300, 200)
	for _, c := range []Coder{
		{Weights: Delta{1, 1, 1, 1}},
		{Weights: Delta{10, 10, 5, 5}},
		{PlusOne: true, Weights: Delta{1, 1, 1, 1}},
		{PlusOne: true, LimitBelow: true, Weights: Delta{10, 10, 5, 5}},
	} {
		for i, b := range boxes {
			d := c.Encode(b, anchors[i])
			if max(math.Abs(float64(d.H/c.Weights.H)), math.Abs(float64(d.W/c.Weights.W))) > 4.1 {
				continue // beyond the limit
			}
			got := c.Decode(d, anchors[i])
			for k, want := range []float32{b.Y1, b.X1, b.Y2, b.X2} {
				require.InDelta(t, want, []float32{got.Y1, got.X1, got.Y2, got.X2}[k], 1e-3, "%v at %v", b, anchors[i])
			}
		}
	}
}

func TestDecodeLimitsGrowth(t *testing.T) {
	anchor := Box{0, 0, 16, 16}
	c := Coder{Weights: Delta{1, 1, 1, 1}}
	require.InDelta(t, 1000, c.Decode(Delta{0, 0, 50, 0}, anchor).Y2-c.Decode(Delta{0, 0, 50, 0}, anchor).Y1, 1e-3)
	require.InDelta(t, 0, c.Decode(Delta{0, 0, -50, 0}, anchor).Y2-c.Decode(Delta{0, 0, -50, 0}, anchor).Y1, 1e-3)
	c.LimitBelow = true
	require.InDelta(t, 0.256, c.Decode(Delta{0, 0, -50, 0}, anchor).Y2-c.Decode(Delta{0, 0, -50, 0}, anchor).Y1, 1e-3)
}

func TestIoUIsSymmetricAndBounded(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	a, b := randomBoxes(r, 5000, 50, 60), randomBoxes(r, 5000, 50, 60)
	for i := range a {
		require.Equal(t, IoU(a[i], b[i]), IoU(b[i], a[i]))
		require.GreaterOrEqual(t, IoU(a[i], b[i]), float32(0))
		require.LessOrEqual(t, IoU(a[i], b[i]), float32(1))
		require.InDelta(t, 1, IoU(a[i], a[i]), 1e-6)
	}
	require.Equal(t, float32(0.5), IoU(Box{0, 0, 10, 10}, Box{0, 0, 10, 5}))
	require.Zero(t, IoU(Box{0, 0, 1, 1}, Box{1, 1, 2, 2}), "boxes that touch share nothing")
	require.Zero(t, IoU(Box{5, 5, 5, 9}, Box{5, 5, 5, 9}), "boxes without area share nothing")
}

func TestRankOrdersByScoreThenIndex(t *testing.T) {
	nan := float32(math.NaN())
	scores := []float32{0.5, -1, 0.5, float32(math.Inf(1)), 0, nan, float32(math.Inf(-1)), 0.5, -2, 1e-40}
	var ranks []Rank
	for i, s := range scores {
		ranks = append(ranks, NewRank(s, i))
	}
	var order []int
	for _, r := range Best(ranks, len(ranks)) {
		order = append(order, r.Index())
	}
	require.Equal(t, []int{3, 0, 2, 7, 9, 4, 1, 8, 6, 5}, order)
}

func TestBestIsTheFrontOfASort(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for trial := range 200 {
		n := r.IntN(3000)
		ranks := make([]Rank, n)
		levels := 1 + r.IntN(1+n) // few levels: many ties
		for i := range ranks {
			ranks[i] = NewRank(float32(r.IntN(levels)), i)
		}
		if trial%3 == 0 {
			slices.Sort(ranks)
		}
		want := slices.Sorted(slices.Values(ranks))
		k := r.IntN(n + 2)
		require.Equal(t, want[:min(k, n)], append([]Rank{}, Best(ranks, k)...))
		slices.Sort(ranks)
		require.Equal(t, want, ranks, "ranks were lost")
	}
}
