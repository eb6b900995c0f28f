package box

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// greedy is NMS as the definition says it, without bins.
func greedy(boxes []Box, rule Rule, threshold float32, limit int) []int32 {
	one := float32(0)
	if rule == PlusOneGT {
		one = 1
	}
	area := func(b Box) float32 { return float32((b.Y2 - b.Y1 + one) * (b.X2 - b.X1 + one)) }
	var kept []int32
	for i, b := range boxes {
		free := true
		for _, k := range kept {
			s := boxes[k]
			inter := float32(max(min(b.Y2, s.Y2)-max(b.Y1, s.Y1)+one, 0) * max(min(b.X2, s.X2)-max(b.X1, s.X1)+one, 0))
			iou := inter / (area(s) + area(b) - inter)
			if iou > threshold || rule == GE && iou == threshold {
				free = false
			}
		}
		if free && len(kept) < limit {
			kept = append(kept, int32(i))
		}
	}
	return kept
}

func TestSuppressEqualsTheDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var nms NMS
	for range 60 {
		size := 20 * math.Pow(30, r.Float64())
		boxes := randomBoxes(r, r.IntN(700), size, 4*math.Pow(100, r.Float64()))
		if r.IntN(4) == 0 { // whole pixels: IoUs that equal the threshold
			for i, b := range boxes {
				round := func(v float32) float32 { return float32(math.Round(float64(v))) }
				boxes[i] = Box{round(b.Y1), round(b.X1), round(b.Y1) + 10, round(b.X1) + 10}
			}
		}
		for _, rule := range []Rule{GT, GE, PlusOneGT} {
			threshold := []float32{0.1, 0.3, 0.5, 0.7, 0.9}[r.IntN(5)]
			limit := 1 + r.IntN(len(boxes)+1)
			want := greedy(boxes, rule, threshold, limit)
			require.Equal(t, len(want), len(nms.Suppress(boxes, rule, threshold, limit)), "%s %g", rule, threshold)
			if rule != GE { // GE may drop boxes left of and above the frame
				require.Equal(t, want, append([]int32(nil), nms.Suppress(boxes, rule, threshold, limit)...), "%s %g", rule, threshold)
			}
		}
	}
}

func TestSuppressAtTheThreshold(t *testing.T) {
	half := []Box{{0, 0, 10, 10}, {0, 0, 10, 5}} // IoU 0.5
	for rule, want := range map[Rule][]int32{GT: {0, 1}, GE: {0}, GETiled: {0}, OffsetGT: {0, 1}} {
		require.Equal(t, want, new(NMS).Suppress(half, rule, 0.5, 10), rule)
	}
	// With sides one longer: 10×10 and 10×5, IoU 0.5.
	plus := []Box{{0, 0, 9, 9}, {0, 0, 9, 4}}
	require.Equal(t, []int32{0, 1}, new(NMS).Suppress(plus, PlusOneGT, 0.5, 10))
	require.Equal(t, []int32{0}, new(NMS).Suppress(plus, PlusOneGT, 0.499, 10))
	require.Equal(t, []int32{0, 1}, new(NMS).Suppress(plus, GT, 0.499, 10), "plain sides: IoU 4/9")
}

func TestSuppressKeepsTheFirstOfEquals(t *testing.T) {
	b := Box{3, 3, 8, 9}
	for _, rule := range []Rule{GT, GE, GETiled, PlusOneGT, OffsetGT} {
		require.Equal(t, []int32{0, 2}, new(NMS).Suppress([]Box{b, b, {50, 50, 60, 60}, b}, rule, 0.7, 10), rule)
	}
}

func TestSuppressDropsBoxesWithoutPositiveCoordinate(t *testing.T) {
	boxes := []Box{{0, 0, 0, 0}, {-5, -5, 0, 0}, {0, 0, 0, 1}}
	require.Equal(t, []int32{2}, new(NMS).Suppress(boxes, GE, 0.5, 10))
	require.Equal(t, []int32{0, 1, 2}, new(NMS).Suppress(boxes, GT, 0.5, 10))
}

// A box that is suppressed with an IoU in [threshold, 0.5] suppresses on within its tile under GETiled only.
func TestSuppressTiledChains(t *testing.T) {
	chain := []Box{{0, 0, 10, 10}, {0, 5, 10, 15}, {0, 10, 10, 20}} // neighbours: IoU 1/3
	require.Equal(t, []int32{0, 2}, new(NMS).Suppress(chain, GE, 0.3, 10))
	require.Equal(t, []int32{0}, new(NMS).Suppress(chain, GETiled, 0.3, 10))

	far := append([]Box{}, chain[:2]...)
	for i := range tileSize {
		far = append(far, Box{float32(100 * i), 500, float32(100*i) + 10, 510})
	}
	far = append(far, chain[2]) // in the next tile
	kept := new(NMS).Suppress(far, GETiled, 0.3, len(far))
	require.Equal(t, int32(len(far)-1), kept[len(kept)-1])
}

func TestSuppressSurvivesNonsense(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	boxes := []Box{{nan, nan, nan, nan}, {-inf, -inf, inf, inf}, {0, 0, 5, 5}, {5, 5, 0, 0}, {nan, 0, 5, 5}, {0, 0, inf, 1e38}, {-1e38, -1e38, 1e38, 1e38}}
	for _, rule := range []Rule{GT, GE, GETiled, PlusOneGT, OffsetGT} {
		require.NotEmpty(t, new(NMS).Suppress(boxes, rule, 0.5, 10))
		require.Empty(t, new(NMS).Suppress(nil, rule, 0.5, 10))
	}
}

func TestSuppressDoesNotAllocate(t *testing.T) {
	boxes := randomBoxes(rand.New(rand.NewPCG(1, 1)), 1000, 640, 60)
	var nms NMS
	nms.Suppress(boxes, GE, 0.7, 1000)
	require.Zero(t, testing.AllocsPerRun(5, func() { nms.Suppress(boxes, GE, 0.7, 1000) }))
}

func BenchmarkSuppress(b *testing.B) {
	for _, test := range []struct {
		name       string
		n          int
		size, side float64
		threshold  float32
		limit      int
	}{
		{"level3", 1000, 640, 40, 0.7, 1000},
		{"level6", 300, 640, 400, 0.7, 1000},
		{"candidates5000", 5000, 640, 200, 0.5, 400},
		{"candidates5000low", 5000, 640, 200, 0.3, 400},
	} {
		boxes := randomBoxes(rand.New(rand.NewPCG(1, 1)), test.n, test.size, test.side)
		b.Run(test.name, func(b *testing.B) {
			var nms NMS
			b.ReportAllocs()
			for b.Loop() {
				nms.Suppress(boxes, GE, test.threshold, test.limit)
			}
		})
	}
}

func BenchmarkBest(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	all := make([]Rank, 19200)
	for i := range all {
		all[i] = NewRank(r.Float32(), i)
	}
	ranks := make([]Rank, len(all))
	for b.Loop() {
		copy(ranks, all)
		Best(ranks, 1000)
	}
}
