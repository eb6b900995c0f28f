package cocoeval

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
)

// BenchmarkOutcomes evaluates a pair of the size of val2017 without and with outcomes.
func BenchmarkOutcomes(b *testing.B) {
	dir := filepath.Join(os.Getenv("SPINEMASK_SHARED"), "cocoeval", "val2017_size")
	if _, err := os.Stat(dir); err != nil {
		b.Skip(err)
	}
	for _, kind := range []IoUType{BBox, Segm, Boundary} {
		name := map[IoUType]string{BBox: "bbox"}[kind]
		if name == "" {
			name = "segm"
		}
		d, err := coco.OpenDataset(filepath.Join(dir, "gt.json.gz"), kind.Fields())
		require.NoError(b, err)
		r, err := coco.OpenResults(filepath.Join(dir, "dt_"+name+"_37k.json.gz"), kind.Fields())
		require.NoError(b, err)
		for _, iou := range []float64{0, 0.5} {
			b.Run(kind.String()+map[float64]string{0: "/plain", 0.5: "/outcomes"}[iou], func(b *testing.B) {
				for b.Loop() {
					p := NewParams(kind, COCO)
					p.MatchIoU = iou
					e, err := New(d, p)
					require.NoError(b, err)
					require.NoError(b, e.AddResults(r))
					_, err = e.Evaluate()
					require.NoError(b, err)
					if iou > 0 {
						_, err = e.Outcomes()
						require.NoError(b, err)
					}
				}
			})
		}
	}
}
