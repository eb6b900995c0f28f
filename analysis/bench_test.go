package analysis

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
)

// BenchmarkTables makes what people look at of a pair of the size of val2017, matching included.
func BenchmarkTables(b *testing.B) {
	dir := filepath.Join(shared(), "val2017_size")
	if _, err := os.Stat(dir); err != nil {
		b.Skip(err)
	}
	for _, kind := range []cocoeval.IoUType{cocoeval.BBox, cocoeval.Segm} {
		p := cocoeval.NewParams(kind, cocoeval.COCO)
		p.MatchIoU = 0.5
		d, err := coco.OpenDataset(filepath.Join(dir, "gt.json.gz"), kind.Fields())
		require.NoError(b, err)
		r, err := coco.OpenResults(filepath.Join(dir, "dt_"+kind.String()+"_37k.json.gz"), kind.Fields())
		require.NoError(b, err)
		o := outcomesOf(b, d, r, p)
		run := func(name string, f func(a *Analysis)) {
			b.Run(kind.String()+"/"+name, func(b *testing.B) {
				for b.Loop() {
					f(New(o))
				}
			})
		}
		b.Run(kind.String()+"/matching", func(b *testing.B) {
			for b.Loop() {
				outcomesOf(b, d, r, p)
			}
		})
		run("new", func(*Analysis) {})
		run("tide", func(a *Analysis) { a.TIDE() })
		run("tidecv", func(a *Analysis) { a.TIDECV() })
		run("confusion", func(a *Analysis) { a.Confusion(a.Score(), ClassFirst) })
		run("thresholds", func(a *Analysis) { a.Thresholds(1) })
		run("calibration", func(a *Analysis) { a.Calibration(10) })
		run("images", func(a *Analysis) { a.Images(0.5) })
	}
}
