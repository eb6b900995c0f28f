package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/labeleval"
	"github.com/spinemask/spinemask/rle"
	"github.com/spinemask/spinemask/weights"
)

// displays are the display thresholds that are compared.
var displays = []float64{0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99}

// choice is what a model scores at each display threshold: the DSB score, mean over the images
// of a kind.
type choice struct {
	Model  string               `json:"model"`
	SHA256 string               `json:"sha256"`
	Change string               `json:"change,omitempty"`   // of the images
	Closer bool                 `json:"closer,omitempty"`   // images larger than the input are looked at closer
	Images map[string]int       `json:"images"`             // of each kind
	Shown  []float64            `json:"display_thresholds"` // from which detections count
	DSB    map[string][]float64 `json:"dsb"`                // of each kind, at each of them
	Best   float64              `json:"best_display"`       // of those for all images
	Score  float64              `json:"best_dsb"`           // of all images there
}

// changes are what images can be made, value by value.
var changes = map[string]func(v uint8) uint8{
	"":         func(v uint8) uint8 { return v },
	"negative": func(v uint8) uint8 { return 255 - v },
	"dark":     func(v uint8) uint8 { return uint8(math.RoundToEven(0.3 * float64(v))) },
}

// choose writes the scores of a model file as a line of JSON: of every image as a whole, or as "spinemask segment" shows them to a model that looks closer.
func choose(w io.Writer, file, images, truth, change string, closer bool) error {
	changed, ok := changes[change]
	if !ok {
		return fmt.Errorf("-change %q: want negative or dark", change)
	}
	f, err := weights.Open(file)
	if err != nil {
		return err
	}
	c := choice{Model: filepath.Base(file), Change: change, Closer: closer, Images: map[string]int{}, Shown: displays, DSB: map[string][]float64{}}
	c.SHA256, err = f.SHA256()
	f.Close()
	if err != nil {
		return err
	}
	m, err := spinemask.Open(file, &spinemask.Options{Raw: true})
	if err != nil {
		return err
	}
	defer m.Close()
	t, err := readTruth(truth)
	if err != nil {
		return err
	}
	for _, im := range t.Images {
		img, err := imageio.Open(filepath.Join(images, im.FileName), imageio.Options{IgnoreOrientation: true})
		if err != nil {
			return err
		}
		for i, v := range img.Pix {
			img.Pix[i] = changed(v)
		}
		scores := make([]float64, len(displays))
		model := remembered(m)
		for i, d := range displays {
			shownFrom := *m.Config()
			shownFrom.Detections.DisplayThreshold = d
			r, err := model(context.Background(), img)
			if err == nil && closer {
				r, err = asUsed(context.Background(), onlyShown(model, &shownFrom), &shownFrom, img)
			}
			if err != nil {
				return err
			}
			scores[i] = dsbAt(d, r, t.masks[im.ID])
		}
		for _, kind := range []string{"all", t.modality[im.FileName]} {
			c.Images[kind]++
			if c.DSB[kind] == nil {
				c.DSB[kind] = make([]float64, len(displays))
			}
			for i, v := range scores {
				c.DSB[kind][i] += v
			}
		}
	}
	for kind, list := range c.DSB {
		for i := range list {
			list[i] = math.Round(1e4*list[i]/float64(c.Images[kind])) / 1e4
		}
	}
	best := 0
	for i, v := range c.DSB["all"] {
		if v > c.DSB["all"][best] {
			best = i
		}
	}
	c.Best, c.Score = displays[best], c.DSB["all"][best]
	return json.NewEncoder(w).Encode(c)
}

// dsbAt scores the instances from a score on.
func dsbAt(display float64, r *spinemask.Result, truth []rle.Mask) float64 {
	var shown []rle.Mask
	for _, in := range r.Instances {
		if float64(in.Score) >= display {
			shown = append(shown, in.Mask)
		}
	}
	s := labeleval.Score(labeleval.CountMasks(truth, shown))
	return s.DSB()
}
