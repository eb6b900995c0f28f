package labelcmd

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/labeleval"
)

// worst is how many images the text names.
const worst = 5

// writeText prints a page of numbers.
func writeText(out io.Writer, pairs []dataset.LabelImagePair, images []labeleval.Scores, pooled *labeleval.Scores) error {
	fmt.Fprintf(out, "%d images, %d true objects, %d predicted (%+d; off by %.2f an image)\n\n", len(images), pooled.True, pooled.Predicted,
		countError(pooled), labeleval.Mean(images, absCountError))
	fmt.Fprintln(out, "All images as one:")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "IoU ≥\tTP\tFP\tFN\tprecision\trecall\tF1\tAP\tPQ\tmean IoU\t")
	for i, threshold := range labeleval.Thresholds {
		m := pooled.At[i]
		fmt.Fprintf(t, "%.2f\t%d\t%d\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t\n", threshold, m.TP, m.FP, m.FN,
			m.Precision(), m.Recall(), m.F1(), m.Accuracy(), m.Panoptic(), m.MeanMatched())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out, "AP is TP / (TP + FP + FN), as in microscopy, not COCO's AP; mean IoU is that of matched objects.")

	fmt.Fprintln(out, "\nMeans over images:")
	t = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tmean\t0.50\t0.75\t0.90\t")
	for _, row := range []struct {
		name   string
		number func(s *labeleval.Scores, i int) float64
	}{
		{"AP, IoU ≥", func(s *labeleval.Scores, i int) float64 { return s.At[i].Accuracy() }},
		{"F1, IoU ≥", func(s *labeleval.Scores, i int) float64 { return s.At[i].F1() }},
		{"DSB score, IoU >", (*labeleval.Scores).DSBAt},
	} {
		values := make([]float64, len(labeleval.Thresholds))
		mean := 0.0
		for i := range values {
			values[i] = labeleval.Mean(images, func(s *labeleval.Scores) float64 { return row.number(s, i) })
			mean += values[i] / float64(len(values))
		}
		fmt.Fprintf(t, "%s\t%.3f\t%.3f\t%.3f\t%.3f\t\n", row.name, mean, values[0], values[5], values[8])
	}
	if err := t.Flush(); err != nil {
		return err
	}

	pq := pooled.Above[0]
	fmt.Fprintf(out, "\nPQ %.3f = SQ %.3f × RQ %.3f (all images as one, IoU > 0.5)\n", pq.Panoptic(), pq.MeanMatched(), pq.F1())
	fmt.Fprintf(out, "AJI %.3f, as Cellpose computes it %.3f (means over images)\n", labeleval.Mean(images, aji), labeleval.Mean(images, cellposeAJI))
	fmt.Fprintf(out, "%d true objects split, %d predictions merged of several\n", pooled.Splits, pooled.Merges)

	if len(images) > 1 {
		order := make([]int, len(images))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			return cmp.Or(cmp.Compare(images[a].DSB(), images[b].DSB()), cmp.Compare(errors(&images[b]), errors(&images[a])))
		})
		fmt.Fprintln(out, "\nLowest DSB scores:")
		t = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, i := range order[:min(worst, len(order))] {
			s := &images[i]
			fmt.Fprintf(t, "  %.3f\t%s\t%d true, %d predicted, %d split, %d merged\n", s.DSB(), pairs[i].Name, s.True, s.Predicted, s.Splits, s.Merges)
		}
		return t.Flush()
	}
	return nil
}

func countError(s *labeleval.Scores) int        { return s.Predicted - s.True }
func absCountError(s *labeleval.Scores) float64 { return math.Abs(float64(countError(s))) }
func aji(s *labeleval.Scores) float64           { return s.AJI.Value() }
func cellposeAJI(s *labeleval.Scores) float64   { return s.CellposeAJI.Value() }

// errors counts what is wrong at an IoU of 0.5.
func errors(s *labeleval.Scores) int { return s.At[0].FP + s.At[0].FN }
