//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/spinemask/spinemask/analysis"
	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
)

// resampler evaluates two files.
func resampler(p cocoeval.Params, d *coco.Dataset, dt string) (*cocoeval.Resampler, error) {
	r, err := coco.OpenResults(dt, p.IoU.Fields())
	if err != nil {
		return nil, err
	}
	e, err := cocoeval.New(d, p)
	if err != nil {
		return nil, err
	}
	if err := e.AddResults(r); err != nil {
		return nil, err
	}
	return e.Resampler()
}

// samples reads a list of samples, each a list of image ids, and prints the statistics of each.
func samples(p cocoeval.Params, gt, dt string) error {
	d, err := coco.OpenDataset(gt, p.IoU.Fields())
	if err != nil {
		return err
	}
	r, err := resampler(p, d, dt)
	if err != nil {
		return err
	}
	var lists [][]int64
	if err := json.NewDecoder(os.Stdin).Decode(&lists); err != nil {
		return err
	}
	s := r.NewSampler()
	out := make([][]float64, len(lists))
	for i, ids := range lists {
		var sample []int32
		for _, id := range ids {
			at, found := slices.BinarySearch(r.ImageIDs(), id)
			if !found {
				return fmt.Errorf("image %d is not in %s", id, gt)
			}
			sample = append(sample, int32(at))
		}
		out[i] = make([]float64, len(r.Names()))
		s.Sample(sample, out[i], nil)
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// bootstrap compares two results files by n resamples and prints the CPU seconds of the comparison alone, both models
// evaluated before, and the comparison.
func bootstrap(p cocoeval.Params, gt, a, b string, n int) error {
	d, err := coco.OpenDataset(gt, p.IoU.Fields())
	if err != nil {
		return err
	}
	var models [2]*cocoeval.Resampler
	for i, dt := range []string{a, b} {
		if models[i], err = resampler(p, d, dt); err != nil {
			return err
		}
	}
	before := cpu()
	c, err := analysis.Compare(models[0], models[1], n, 1, 0.95)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(struct {
		CPU   float64               `json:"cpu"`
		Stats []analysis.Difference `json:"stats"`
	}{(cpu() - before).Seconds(), c.Stats})
}
