package cocoeval

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/spinemask/spinemask/coco"
)

// TestBitsMatchAsTheLoopsDo compares the matching of up to 64 thresholds at once with the reference's loops over thresholds,
// detections and annotations.
func TestBitsMatchAsTheLoopsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Few values, so that IoUs are equal to each other and to thresholds.
		tenths := rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(0, 10).Draw(t, "tenths")) / 10 })
		nd, ng := rapid.IntRange(1, 6).Draw(t, "detections"), rapid.IntRange(1, 6).Draw(t, "annotations")
		p := NewParams(BBox, COCO)
		p.IoUThresholds = rapid.SliceOfN(tenths, 1, 12).Draw(t, "thresholds")
		if rapid.Bool().Draw(t, "more than a word") {
			p.IoUThresholds = slices.Repeat(p.IoUThresholds, 65/len(p.IoUThresholds)+1)
		}
		p.Areas = []AreaRange{{Label: "all", Max: 10}, {Label: "small", Max: .3}, {Label: "large", Min: .3, Max: 1}}
		g := &truth{data: new(coco.Dataset), categories: make([]coco.Category, 1)}
		for range ng {
			g.area = append(g.area, tenths.Draw(t, "area"))
			g.flags = append(g.flags, rapid.SampledFrom([]truthFlags{0, 0, 0, ignored, crowd | ignored, unseen}).Draw(t, "flags"))
		}
		iou := rapid.SliceOfN(rapid.OneOf(tenths, rapid.Float64Range(0, 1)), nd*ng, nd*ng).Draw(t, "iou")

		match := func(assign func(m *matcher, dets []int32)) *piece {
			m := newMatcher(&p, g, &detections{Annotations: new(coco.Annotations)})
			m.out, m.iou = new(piece), iou
			m.out.add(0, nd)
			var dets []int32
			for d := range nd {
				dets = append(dets, int32(d))
				m.out.push(1, 0)
			}
			assign(m, dets)
			return m.out
		}
		bits := match(func(m *matcher, dets []int32) { m.assign(dets, 0, int32(ng), 0) })
		loops := match(func(m *matcher, dets []int32) {
			for w := range m.words {
				m.assignLiterally(dets, 0, int32(ng), 0, w)
			}
		})
		na, words := len(p.Areas), (len(p.IoUThresholds)+63)/64
		for a := range na {
			for th := range p.IoUThresholds {
				for d := range nd {
					wantRight, wantIgnored := loops.status(d, a, th, na, words)
					right, ignored := bits.status(d, a, th, na, words)
					require.Equal(t, []bool{wantRight, wantIgnored}, []bool{right, ignored}, "area range %d, threshold %d, detection %d", a, th, d)
				}
			}
		}
	})
}
