package rle

import (
	"testing"
)

// benchmarkPairs is every pair of masks of the golden IoU cases whose boxes overlap.
func benchmarkPairs(b *testing.B) (pairs [][2]Mask, runs int) {
	b.Helper()
	for _, c := range goldenCases(b, "iou", 48) {
		for _, dt := range c.masks(b, c.Dt) {
			for _, gt := range c.masks(b, c.Gt) {
				if dt.Summary().Overlaps(gt.Summary()) {
					pairs = append(pairs, [2]Mask{dt, gt})
					runs += len(dt.Runs) + len(gt.Runs)
				}
			}
		}
	}
	return pairs, runs
}

func reportPerRun(b *testing.B, runs int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(runs), "ns/run")
}

func BenchmarkIntersectionArea(b *testing.B) {
	pairs, runs := benchmarkPairs(b)
	for b.Loop() {
		for _, p := range pairs {
			IntersectionArea(p[0].Runs, p[1].Runs)
		}
	}
	reportPerRun(b, runs)
}

func BenchmarkIoU(b *testing.B) {
	pairs, runs := benchmarkPairs(b)
	for b.Loop() {
		for _, p := range pairs {
			IoU(p[0], p[1], false)
		}
	}
	reportPerRun(b, runs)
}

// benchmarkStrings is one string per pair.
func benchmarkStrings(b *testing.B) (masks []Mask, strings [][]byte, runs int) {
	pairs, _ := benchmarkPairs(b)
	for _, p := range pairs {
		masks = append(masks, p[0])
		strings = append(strings, p[0].AppendString(nil))
		runs += len(p[0].Runs)
	}
	return masks, strings, runs
}

func BenchmarkDecodeRuns(b *testing.B) {
	_, strings, runs := benchmarkStrings(b)
	var dst []uint32
	for b.Loop() {
		for _, s := range strings {
			dst, _ = DecodeRuns(dst[:0], s)
		}
	}
	reportPerRun(b, runs)
}

func BenchmarkScanString(b *testing.B) {
	masks, strings, runs := benchmarkStrings(b)
	for b.Loop() {
		for i, s := range strings {
			ScanString(masks[i].H, masks[i].W, s)
		}
	}
	reportPerRun(b, runs)
}

func BenchmarkAppendString(b *testing.B) {
	masks, _, runs := benchmarkStrings(b)
	var dst []byte
	for b.Loop() {
		for _, m := range masks {
			dst = m.AppendString(dst[:0])
		}
	}
	reportPerRun(b, runs)
}

func BenchmarkPolygon(b *testing.B) {
	var r Rasterizer
	var dst []uint32
	cases := goldenCases(b, "frPoly", 506)
	runs := 0
	for _, c := range cases {
		for _, xy := range c.Polys {
			runs += len(r.AppendPolygon(nil, xy, c.H, c.W))
		}
	}
	for b.Loop() {
		for _, c := range cases {
			for _, xy := range c.Polys {
				dst = r.AppendPolygon(dst[:0], xy, c.H, c.W)
			}
		}
	}
	reportPerRun(b, runs)
}
