package onnx

import (
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/network"
)

// rois is the number of rows of a head.
const rois = "rois"

// Parts translates a network that is run at h×w pixels: the trunk, then the heads
// of a Mask R-CNN, whose number of rows is open. The head of a classifier, and
// the mean of maps before it, belong to the trunk's file.
func Parts(n *network.Network, c *config.Config, h, w int) ([]*File, error) {
	t := newTranslator("trunk", "")
	values, err := t.graph(n.Trunk, h, w, nil)
	if err == nil && n.Classifier != nil {
		err = t.classifier(n, c, values)
	}
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	files := []*File{t.file}
	for _, head := range []struct {
		name string
		g    *graph.Graph
		side int
	}{{"box_head", n.Box, c.RoIAlign.BoxSize}, {"mask_head", n.Mask, c.RoIAlign.MaskSize}} {
		if head.g == nil {
			continue
		}
		t := newTranslator(head.name, rois)
		if _, err := t.graph(head.g, head.side, head.side, nil); err != nil {
			return nil, fmt.Errorf("onnx: %w", err)
		}
		files = append(files, t.file)
	}
	return files, nil
}

// classifier appends what classifier.Pooler computes of the trunk's levels, and
// the head.
func (t *translator) classifier(n *network.Network, c *config.Config, values []value) error {
	var levels []value
	for l := c.Backbone.MinLevel; l <= c.Backbone.MaxLevel; l++ {
		levels = append(levels, values[n.Features.Levels[l]])
	}
	sum := levels[len(levels)-1]
	var err error
	if c.Classifier.Features == config.ClassifierAll {
		for _, at := range slices.Backward(levels[:len(levels)-1]) {
			near := at
			near.name = "classifier/nearest/" + at.name
			if near, err = t.nearest(sum, near); err != nil {
				return err
			}
			out := at
			out.name = "classifier/sum/" + at.name
			if sum, err = t.add([]value{near, at}, out); err != nil {
				return err
			}
		}
		count, err := t.floats("levels", float32(len(levels)))
		if err != nil {
			return err
		}
		part := sum
		part.name = "classifier/part"
		if sum, err = t.node("Div", []string{sum.name, count}, part); err != nil {
			return err
		}
	}
	mean := value{name: "classifier/mean", Shape: graph.Shape{H: 1, W: 1, C: sum.C}}
	if mean, err = t.node("GlobalAveragePool", []string{sum.name}, mean); err != nil {
		return err
	}
	_, err = t.graph(n.Classifier, 1, 1, map[string]value{"features": mean})
	return err
}
