package coco

import (
	"os"
	"testing"
)

func BenchmarkParse(b *testing.B) {
	dir := os.Getenv("EVDATA")
	for _, f := range []struct{ name string; fields Fields; res bool }{{"gt.json", Boxes, false}, {"gt.json", Masks, false}, {"dt_bbox_37k.json", Boxes, true}, {"dt_segm_37k.json", Masks, true}, {"dt_bbox_500k.json", Boxes, true}, {"dt_segm_500k.json", Masks, true}} {
		data, err := load(dir + "/" + f.name)
		if err != nil { continue }
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if f.res { r, err := ParseResults(data, "", f.fields); if err != nil { b.Fatal(err) }; b.ReportMetric(float64(r.Len()), "n") } else {
				r, err := ParseDataset(data, "", f.fields); if err != nil { b.Fatal(err) }; b.ReportMetric(float64(r.Len()), "n") }
			}
		})
	}
}
