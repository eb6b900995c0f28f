package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/testkit/dsb"
	"github.com/spinemask/spinemask/rle"
)

// truthFile is the part of a COCO data set that the scores need. The modality
// is this data's own field.
type truthFile struct {
	Images []struct {
		ID       int    `json:"id"`
		FileName string `json:"file_name"`
		Modality string `json:"modality"`
	} `json:"images"`
	Annotations []struct {
		ImageID      int `json:"image_id"`
		Segmentation struct {
			Size   [2]int `json:"size"`
			Counts string `json:"counts"`
		} `json:"segmentation"`
	} `json:"annotations"`
}

// modalities in the order of the card's columns; "" is all of them.
var modalities = []string{"", "fluorescence", "histology", "brightfield"}

// evaluate returns the tables of the model card by their markers' names.
func evaluate(m *spinemask.Model, images, truth string) (map[string]string, error) {
	data, err := os.ReadFile(truth)
	if err != nil {
		return nil, err
	}
	var t truthFile
	if err := json.Unmarshal(data, &t); err != nil {
		return nil, fmt.Errorf("%s: %w", truth, err)
	}
	masks, err := t.masks(truth)
	if err != nil {
		return nil, err
	}
	ap, err := newAP(truth)
	if err != nil {
		return nil, err
	}
	scores, at50, count := map[string]float64{}, map[string]float64{}, map[string]int{}
	for _, im := range t.Images {
		img, err := imageio.Open(filepath.Join(images, im.FileName), imageio.Options{IgnoreOrientation: true})
		if err != nil {
			return nil, err
		}
		r, err := m.Segment(context.Background(), img)
		if err != nil {
			return nil, err
		}
		if err := ap.Add(int64(im.ID), detections(r)); err != nil {
			return nil, err
		}
		score, half := dsbScore(m, r, masks[im.ID])
		for _, key := range []string{"", im.Modality} {
			scores[key] += score
			at50[key] += half
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
	b.WriteString("\n")
	apTable, err := apTable(ap)
	return map[string]string{"dsb": b.String(), "ap": apTable}, err
}

// masks are the annotations of each image, by its id. The name is for errors.
func (t *truthFile) masks(name string) (map[int][]rle.Mask, error) {
	masks := map[int][]rle.Mask{}
	for _, a := range t.Annotations {
		mask, err := rle.Decode(a.Segmentation.Size[0], a.Segmentation.Size[1], []byte(a.Segmentation.Counts))
		if err != nil {
			return nil, fmt.Errorf("%s: image %d: %w", name, a.ImageID, err)
		}
		masks[a.ImageID] = append(masks[a.ImageID], mask)
	}
	return masks, nil
}

// newAP prepares COCO's mask AP with up to 400 detections an image: nuclei are
// many.
func newAP(truth string) (*cocoeval.Evaluator, error) {
	d, err := coco.OpenDataset(truth, cocoeval.Segm.Fields())
	if err != nil {
		return nil, err
	}
	p := cocoeval.NewParams(cocoeval.Segm, cocoeval.COCO)
	p.MaxDets = []int{10, 100, 400}
	p.Mode = cocoeval.Corrected // pycocotools prints AP at 100 detections whatever the limits are
	return cocoeval.New(d, p)
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
	var iou [][]float64
	for _, in := range r.Instances {
		if float64(in.Score) < m.Config().Detections.DisplayThreshold {
			continue
		}
		row := make([]float64, len(truth))
		for g, mask := range truth {
			row[g] = rle.IoU(in.Mask, mask, false)
		}
		iou = append(iou, row)
	}
	return dsb.Score(iou, len(truth))
}
