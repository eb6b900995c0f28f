package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/analysis"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/labeleval"
	"github.com/spinemask/spinemask/rle"
)

// modalities in the order of the card's columns; "" is all of them.
var modalities = []string{"", "fluorescence", "histology", "brightfield"}

// evaluate returns the tables of the model card by their markers' names.
func evaluate(m *spinemask.Model, images, file string) (map[string]string, error) {
	t, err := readTruth(file)
	if err != nil {
		return nil, err
	}
	ap, err := newAP(t)
	if err != nil {
		return nil, err
	}
	scores, at50, whole, count := map[string]float64{}, map[string]float64{}, map[string]float64{}, map[string]int{}
	for _, im := range t.Images {
		img, err := imageio.Open(filepath.Join(images, im.FileName), imageio.Options{IgnoreOrientation: true})
		if err != nil {
			return nil, err
		}
		r, err := m.Segment(context.Background(), img)
		if err != nil {
			return nil, err
		}
		if err := ap.Add(im.ID, detections(r)); err != nil {
			return nil, err
		}
		asWhole, _ := dsbScore(m, r, t.masks[im.ID])
		if r, err = asUsed(context.Background(), onlyShown(m.Segment, m.Config()), m.Config(), img); err != nil {
			return nil, err
		}
		score, half := dsbScore(m, r, t.masks[im.ID])
		for _, key := range []string{"", t.modality[im.FileName]} {
			scores[key] += score
			at50[key] += half
			whole[key] += asWhole
			count[key]++
		}
	}
	var b strings.Builder
	b.WriteString("| |")
	for _, k := range modalities {
		name := k
		if k == "" {
			name = "all"
		}
		fmt.Fprintf(&b, " %s (%d) |", name, count[k])
	}
	b.WriteString("\n|---|---|---|---|---|\n| DSB score, mean over images |")
	for _, k := range modalities {
		fmt.Fprintf(&b, " %.3f |", scores[k]/float64(count[k]))
	}
	b.WriteString("\n| the same at IoU 0.5 |")
	for _, k := range modalities {
		fmt.Fprintf(&b, " %.3f |", at50[k]/float64(count[k]))
	}
	b.WriteString("\n| DSB score, every image shown as a whole |")
	for _, k := range modalities {
		fmt.Fprintf(&b, " %.3f |", whole[k]/float64(count[k]))
	}
	b.WriteString("\n")
	apTable, err := apTable(ap)
	if err != nil {
		return nil, err
	}
	outcomes, err := ap.Outcomes()
	if err != nil {
		return nil, err
	}
	return map[string]string{"dsb": b.String(), "ap": apTable, "calibration": calibrationTable(analysis.New(outcomes).Calibration(10))}, nil
}

// calibrationTable compares scores with the share of right detections, those with a mask of an IoU of at least 0.5.
func calibrationTable(c *analysis.Calibration) string {
	var b strings.Builder
	b.WriteString("| scores | detections | mean score | right |\n|---|---|---|---|\n")
	for _, bin := range c.Bins {
		if bin.Count > 0 {
			fmt.Fprintf(&b, "| %.1f to %.1f | %d | %.3f | %.3f |\n", bin.Low, bin.High, bin.Count, bin.MeanScore, bin.Accuracy)
		}
	}
	fmt.Fprintf(&b, "| expected calibration error | %d | | %.3f |\n", c.Detections, c.ECE)
	return b.String()
}

// newAP prepares COCO's mask AP with up to 400 detections an image: nuclei are
// many.
func newAP(t *truth) (*cocoeval.Evaluator, error) {
	p := cocoeval.NewParams(cocoeval.Segm, cocoeval.COCO)
	p.MaxDets = []int{10, 100, 400}
	p.MatchIoU = 0.5
	p.Mode = cocoeval.Corrected // pycocotools prints AP at 100 detections whatever the limits are
	return cocoeval.New(t.Dataset, p)
}

func detections(r *spinemask.Result) []cocoeval.Detection {
	var list []cocoeval.Detection
	for _, in := range r.Instances {
		list = append(list, cocoeval.Detection{CategoryID: int64(in.Category), Score: float64(in.Score), Mask: in.Mask})
	}
	return list
}

func apTable(ap *cocoeval.Evaluator) (string, error) {
	e, err := ap.Evaluate()
	if err != nil {
		return "", err
	}
	head, rule, values := "|", "|", "|"
	for _, s := range e.Stats() {
		head += " " + s.Name + " |"
		rule += "---|"
		values += fmt.Sprintf(" %.3f |", s.Value)
	}
	return head + "\n" + rule + "\n" + values + "\n", nil
}

// dsbScore scores what a person is shown.
func dsbScore(m *spinemask.Model, r *spinemask.Result, truth []rle.Mask) (score, at50 float64) {
	var shown []rle.Mask
	for _, in := range r.Instances {
		if float64(in.Score) >= m.Config().Detections.DisplayThreshold {
			shown = append(shown, in.Mask)
		}
	}
	s := labeleval.Score(labeleval.CountMasks(truth, shown))
	return s.DSB(), s.DSBAt(0)
}
