package labelcmd

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/labeleval"
)

// class is the panoptic quality of a category.
type class struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	TP   int    `json:"tp"`
	FP   int    `json:"fp"`
	FN   int    `json:"fn"`
	quality
}

// runCOCO prints the panoptic quality of the masks of COCO files.
func runCOCO(o *Options, truth, predicted string, out, stderr io.Writer) error {
	d, err := coco.OpenDataset(truth, coco.Masks)
	if err != nil {
		return err
	}
	r, err := coco.OpenResults(predicted, coco.Masks)
	if err != nil {
		return err
	}
	q, err := labeleval.PanopticCOCO(d, r, o.MinScore)
	if err != nil {
		return err
	}
	for _, x := range []struct {
		file, what string
		of         *coco.Annotations
	}{{truth, "annotations", &d.Annotations}, {predicted, "results", &r.Annotations}} {
		if n := labeleval.Maskless(x.of); n > 0 {
			fmt.Fprintf(stderr, "cocoeval: warning: %d of %d %s of %s have no mask and are left out [no-mask]\n", n, x.of.Len(), x.what, x.file)
		}
	}
	var all quality
	var n int
	all.PQ, all.SQ, all.RQ, n = q.Mean(q.Categories)
	var classes []class
	for _, c := range d.Categories {
		m := q.Of(c.ID)
		classes = append(classes, class{c.ID, c.Name, m.TP, m.FP, m.FN, qualityOf(m)})
	}
	if o.JSON {
		return encode(out, struct {
			Images     int     `json:"images"`
			MinScore   float64 `json:"min_score"`
			Mean       quality `json:"panoptic"`
			Counted    int     `json:"counted_categories"`
			Categories []class `json:"categories"`
		}{len(d.Images), o.MinScore, all, n, classes})
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "id\tcategory\tTP\tFP\tFN\tPQ\tSQ\tRQ\t")
	for _, c := range classes {
		if c.TP+c.FP+c.FN > 0 {
			fmt.Fprintf(t, "%d\t%s\t%d\t%d\t%d\t%.3f\t%.3f\t%.3f\t\n", c.ID, c.Name, c.TP, c.FP, c.FN, c.PQ, c.SQ, c.RQ)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "PQ %.3f  SQ %.3f  RQ %.3f  (means over %d categories; %d images, results with a score of at least %g, IoU > 0.5)\n",
		all.PQ, all.SQ, all.RQ, n, len(d.Images), o.MinScore)
	return err
}
