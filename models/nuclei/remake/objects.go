package main

import (
	"context"
	"fmt"
	"image"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/preprocess"
	"github.com/spinemask/spinemask/tile"
)

// diameter is config.Objects.Diameter for a data set: the median over its images of the median diameter of an image's nuclei, in pixels of the input that the
// image is fitted into, to three digits.
func diameter(in *config.Input, file string) (float64, error) {
	d, err := coco.OpenDataset(file, coco.Boxes)
	if err != nil {
		return 0, err
	}
	diameters := map[int64][]float64{}
	for i, area := range d.Area {
		diameters[d.ImageID[i]] = append(diameters[d.ImageID[i]], 2*math.Sqrt(area/math.Pi))
	}
	var ofImages []float64
	for _, im := range d.Images {
		g, err := preprocess.Fit(in, im.Height, im.Width)
		if err != nil {
			return 0, err
		}
		if list := diameters[im.ID]; len(list) > 0 {
			ofImages = append(ofImages, median(list)*float64(g.ScaledWidth)/float64(im.Width))
		}
	}
	return math.Round(10*median(ofImages)) / 10, nil
}

func median(list []float64) float64 {
	slices.Sort(list)
	n := len(list)
	return (list[n/2] + list[(n-1)/2]) / 2
}

// showings are the ways to show images to the model that the card compares. No options are the model's input as a whole.
var showings = []struct {
	flags   string
	options func(ctx context.Context, m *spinemask.Model, picture image.Image) (*tile.Options, error)
}{
	{"", func(context.Context, *spinemask.Model, image.Image) (*tile.Options, error) { return nil, nil }},
	{"--tile 400", inTiles(400)},
	{"--scale 2", atScale(2)},
	{"--diameter auto", auto},
}

type optionsOf = func(context.Context, *spinemask.Model, image.Image) (*tile.Options, error)

func inTiles(size int) optionsOf {
	return func(context.Context, *spinemask.Model, image.Image) (*tile.Options, error) {
		return &tile.Options{Size: size, Overlap: size / 4}, nil
	}
}

func atScale(scale float64) optionsOf {
	return func(_ context.Context, m *spinemask.Model, _ image.Image) (*tile.Options, error) {
		o, err := tile.AtScale(m.Config(), scale)
		return &o, err
	}
}

func auto(ctx context.Context, m *spinemask.Model, picture image.Image) (*tile.Options, error) {
	px, err := tile.Diameter(ctx, m.Segment, m.Config(), picture, 1)
	if err != nil || px == 0 {
		return nil, err
	}
	o, err := tile.AtScale(m.Config(), m.Config().Objects.Diameter/px)
	return &o, err
}

// compareShowings returns the card's table of them.
func compareShowings(m *spinemask.Model, images, file string) (string, error) {
	ctx := context.Background()
	t, err := readTruth(file)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("| shown by | AP | AP50 | AP75 | DSB score, mean over images |\n|---|---|---|---|---|\n")
	for _, s := range showings {
		ap, err := newAP(t)
		if err != nil {
			return "", err
		}
		dsb := 0.0
		for _, im := range t.Images {
			img, err := imageio.Open(filepath.Join(images, im.FileName), imageio.Options{IgnoreOrientation: true})
			if err != nil {
				return "", err
			}
			o, err := s.options(ctx, m, img)
			if err != nil {
				return "", err
			}
			all, shown, err := both(ctx, m, img, o)
			if err != nil {
				return "", err
			}
			if err := ap.Add(im.ID, detections(all)); err != nil {
				return "", err
			}
			score, _ := dsbScore(m, shown, t.masks[im.ID])
			dsb += score
		}
		e, err := ap.Evaluate()
		if err != nil {
			return "", err
		}
		name := "`" + s.flags + "`"
		if s.flags == "" {
			name = "the input as a whole"
		}
		fmt.Fprintf(&b, "| %s |", name)
		for _, stat := range e.Stats()[:3] {
			fmt.Fprintf(&b, " %.3f |", stat.Value)
		}
		fmt.Fprintf(&b, " %.3f |\n", dsb/float64(len(t.Images)))
	}
	return b.String(), nil
}

// both finds all instances of an image, for AP, and those that a person is shown, which have been joined without the others.
func both(ctx context.Context, m *spinemask.Model, img image.Image, o *tile.Options) (all, shown *spinemask.Result, err error) {
	if o == nil {
		all, err = m.Segment(ctx, img)
		return all, all, err
	}
	var seen []*spinemask.Result
	all, err = tile.Segment(ctx, func(ctx context.Context, tile image.Image) (*spinemask.Result, error) {
		r, err := m.Segment(ctx, tile)
		seen = append(seen, r)
		return r, err
	}, img, *o)
	if err != nil {
		return nil, nil, err
	}
	shown, err = tile.Segment(ctx, func(context.Context, image.Image) (*spinemask.Result, error) {
		r := *seen[0]
		seen = seen[1:]
		r.Instances = slices.DeleteFunc(slices.Clone(r.Instances), func(in spinemask.Instance) bool {
			return float64(in.Score) < m.Config().Detections.DisplayThreshold
		})
		return &r, nil
	}, img, *o)
	return all, shown, err
}
