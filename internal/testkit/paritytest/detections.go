package paritytest

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// Detection is one of the original's, in the photo.
type Detection struct {
	Category int
	Score    float32
	Box      box.Box  // photo pixels
	Mask     rle.Mask // of no size: not known, and not compared
}

// COCO reads detections in COCO's results format: the file is a list of rows,
// or an object with that list under "results". They are returned by image id.
func COCO(t testing.TB, path string) map[int][]Detection {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return ParseCOCO(t, data)
}

// ParseCOCO is COCO of a file's content.
func ParseCOCO(t testing.TB, data []byte) map[int][]Detection {
	type row struct {
		Image        int        `json:"image_id"`
		Category     int        `json:"category_id"`
		Box          [4]float64 `json:"bbox"`
		Score        float32
		Segmentation struct {
			Size   [2]int
			Counts string
		}
	}
	var file struct{ Results []row }
	if json.Unmarshal(data, &file.Results) != nil {
		require.NoError(t, json.Unmarshal(data, &file))
	}
	all := map[int][]Detection{}
	for _, r := range file.Results {
		mask, err := rle.Decode(r.Segmentation.Size[0], r.Segmentation.Size[1], []byte(r.Segmentation.Counts))
		require.NoError(t, err)
		x, y, w, h := r.Box[0], r.Box[1], r.Box[2], r.Box[3]
		b := box.Box{Y1: float32(y), X1: float32(x), Y2: float32(y + h), X2: float32(x + w)}
		all[r.Image] = append(all[r.Image], Detection{r.Category, r.Score, b, mask})
	}
	return all
}

// Bars are how far our detections may lie from the original's.
type Bars struct {
	Cut                float64 // detections with a score this near to the lowest may be missing
	Missing            int     // others that may, in all photos
	Score, ScoreMedian float64
	Box, BoxMedian     float64 // pixels of the photo
	IoU                float64 // of masks with more than four different pixels
	IoUMedian          float64 // 0: 0.999
	// MaskSize is 28 for masks of 28×28 that are scaled to whole pixels (as
	// config.PasteInteger and PasteBorder do): where the least difference takes a
	// corner across a whole pixel, the mask gets another size, and IoU does not
	// hold. 0 where masks are not scaled so.
	MaskSize int
}

// Matching collects the differences over photos.
type Matching struct {
	bars                   Bars
	count, missing, moved  int // moved: across a whole pixel
	differ                 int
	scores, boxes, overlap []float64
}

// NewMatching begins with no photo.
func NewMatching(b Bars) *Matching { return &Matching{bars: b} }

// Photo matches each detection of the original with one of ours: the nearest of
// its class, within a pixel. Order does not count, as nearly equal scores swap.
func (m *Matching) Photo(t testing.TB, want []Detection, got []spinemask.Instance) {
	t.Helper()
	require.NotEmpty(t, want)
	lowest := float64(slices.MinFunc(want, func(a, b Detection) int { return compare(a.Score, b.Score) }).Score)
	used := make([]bool, len(got))
	for _, w := range want {
		best, distance := -1, 1.0
		for i, g := range got {
			if d := Distance(w.Box, g.Box); !used[i] && g.Category == w.Category && d <= distance {
				best, distance = i, d
			}
		}
		if best < 0 {
			if float64(w.Score) > lowest+m.bars.Cut {
				m.missing++
				t.Logf("missing: category %d, score %g, box %v", w.Category, w.Score, w.Box)
			}
			continue
		}
		used[best] = true
		g := &got[best]
		m.count++
		m.scores = append(m.scores, math.Abs(float64(g.Score-w.Score)))
		m.boxes = append(m.boxes, distance)
		if w.Mask.H == 0 {
			continue
		}
		overlap := overlapOf(w.Mask, g.Mask)
		m.overlap = append(m.overlap, overlap)
		switch {
		case m.bars.MaskSize > 0 && crossed(w.Box, g.Box, m.bars.MaskSize):
			m.moved++
		case overlap < m.bars.IoU && different(w.Mask, g.Mask) > 4:
			m.differ++
			t.Logf("mask differs: IoU %.3f, category %d, score %g, box %v, ours %v", overlap, w.Category, w.Score, w.Box, g.Box)
		}
	}
}

func compare(a, b float32) int {
	if a < b {
		return -1
	}
	return 1
}

func overlapOf(a, b rle.Mask) float64 {
	if a.Area() == 0 && b.Area() == 0 {
		return 1
	}
	return rle.IoU(a, b, false)
}

func different(a, b rle.Mask) uint64 {
	return a.Area() + b.Area() - 2*rle.IntersectionArea(a.Runs, b.Runs)
}

// crossed says whether a whole pixel lies between a corner of a and that of b,
// when the boxes have grown by the border of zeros around a mask of n×n.
func crossed(a, b box.Box, n int) bool {
	const rounding = 1e-4 // of a corner, in float32
	between := func(low, high, low2, high2 float32) bool {
		grow := func(low, high float32) (float64, float64) {
			border := float64(high-low) / float64(n)
			return float64(low) - border, float64(high) + border
		}
		p, q := grow(low, high)
		p2, q2 := grow(low2, high2)
		return math.Floor(min(p, p2)-rounding) != math.Floor(max(p, p2)+rounding) ||
			math.Floor(min(q, q2)-rounding) != math.Floor(max(q, q2)+rounding)
	}
	return between(a.Y1, a.Y2, b.Y1, b.Y2) || between(a.X1, a.X2, b.X1, b.X2)
}

// Check holds all photos against the bars.
func (m *Matching) Check(t testing.TB) {
	t.Helper()
	if len(m.overlap) == 0 {
		m.overlap = []float64{1}
	}
	largest := func(v []float64) float64 { return slices.Max(v) }
	t.Logf("%d matched, %d missing; score %.1e, median %.1e; box %.3f px, median %.1e; IoU from %.3f, median %.4f, %d across a pixel",
		m.count, m.missing, largest(m.scores), median(m.scores), largest(m.boxes), median(m.boxes), slices.Min(m.overlap), median(m.overlap), m.moved)
	require.LessOrEqual(t, m.missing, m.bars.Missing, "missing")
	require.LessOrEqual(t, largest(m.scores), m.bars.Score, "score")
	require.LessOrEqual(t, median(m.scores), m.bars.ScoreMedian, "median of scores")
	require.LessOrEqual(t, largest(m.boxes), m.bars.Box, "box")
	require.LessOrEqual(t, median(m.boxes), m.bars.BoxMedian, "median of boxes")
	require.Zero(t, m.differ, "masks below %g", m.bars.IoU)
	require.GreaterOrEqual(t, median(m.overlap), cmp.Or(m.bars.IoUMedian, 0.999), "median of IoUs")
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
