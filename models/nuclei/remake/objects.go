package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
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

// showings are the ways to show images to a model that the card compares.
var showings = []struct {
	flags string
	show  func(ctx context.Context, model tile.Segmenter, c *config.Config, picture image.Image) (*spinemask.Result, error)
}{
	{"--diameter off", func(ctx context.Context, model tile.Segmenter, _ *config.Config, picture image.Image) (*spinemask.Result, error) {
		return model(ctx, picture)
	}},
	{"--diameter large", asUsed},
	{"--diameter auto", auto},
	{"--tile 400", func(ctx context.Context, model tile.Segmenter, _ *config.Config, picture image.Image) (*spinemask.Result, error) {
		return tile.Segment(ctx, model, picture, tile.Options{Size: 400, Overlap: 100})
	}},
	{"--scale 2", func(ctx context.Context, model tile.Segmenter, c *config.Config, picture image.Image) (*spinemask.Result, error) {
		o, err := tile.AtScale(c, 2)
		if err != nil {
			return nil, err
		}
		return tile.Segment(ctx, model, picture, o)
	}},
}

// asUsed shows an image as "spinemask segment" does with a model that looks closer.
func asUsed(ctx context.Context, model tile.Segmenter, c *config.Config, picture image.Image) (*spinemask.Result, error) {
	if size := picture.Bounds().Size(); size.X <= c.Input.Width && size.Y <= c.Input.Height {
		return model(ctx, picture)
	}
	return auto(ctx, model, c, picture)
}

func auto(ctx context.Context, model tile.Segmenter, c *config.Config, picture image.Image) (*spinemask.Result, error) {
	r, _, err := tile.Auto(ctx, model, c, picture, tile.Options{})
	return r, err
}

// compareShowings returns the card's table of them: all instances count for AP, for the DSB score those that a person is shown, which are joined without
// the others.
func compareShowings(m *spinemask.Model, images, file string) (string, error) {
	ctx := context.Background()
	t, err := readTruth(file)
	if err != nil {
		return "", err
	}
	aps, dsb, looks := make([]*cocoeval.Evaluator, len(showings)), make([]float64, len(showings)), make([]int, len(showings))
	for i := range showings {
		if aps[i], err = newAP(t); err != nil {
			return "", err
		}
	}
	for _, im := range t.Images {
		img, err := imageio.Open(filepath.Join(images, im.FileName), imageio.Options{IgnoreOrientation: true})
		if err != nil {
			return "", err
		}
		once := remembered(m)
		for i, s := range showings {
			model := func(ctx context.Context, picture image.Image) (*spinemask.Result, error) {
				looks[i]++
				return once(ctx, picture)
			}
			shown, err := s.show(ctx, onlyShown(model, m.Config()), m.Config(), img)
			if err != nil {
				return "", err
			}
			score, _ := dsbScore(m, shown, t.masks[im.ID])
			dsb[i] += score
			counted := looks[i]
			all, err := s.show(ctx, model, m.Config(), img)
			if err != nil {
				return "", err
			}
			looks[i] = counted
			if err := aps[i].Add(im.ID, detections(all)); err != nil {
				return "", err
			}
		}
	}
	var b strings.Builder
	b.WriteString("| shown by | looks | AP | AP50 | AP75 | DSB score, mean over images |\n|---|---|---|---|---|---|\n")
	for i, s := range showings {
		e, err := aps[i].Evaluate()
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "| `%s` | %d |", s.flags, looks[i])
		for _, stat := range e.Stats()[:3] {
			fmt.Fprintf(&b, " %.3f |", stat.Value)
		}
		fmt.Fprintf(&b, " %.3f |\n", dsb[i]/float64(len(t.Images)))
	}
	return b.String(), nil
}

// remembered is the model, which segments each picture once: ways to show an image look at the same tiles several times.
func remembered(m *spinemask.Model) tile.Segmenter {
	seen := map[[sha256.Size]byte]*spinemask.Result{} // by the pixels
	return func(ctx context.Context, picture image.Image) (*spinemask.Result, error) {
		p := picture.(*imageio.Image)
		key := sha256.Sum256(fmt.Appendf(nil, "%d %s", p.Width, p.Pix))
		if seen[key] == nil {
			r, err := m.Segment(ctx, picture)
			if err != nil {
				return nil, err
			}
			seen[key] = r
		}
		r := *seen[key]
		return &r, nil
	}
}

// onlyShown leaves what a person is not shown.
func onlyShown(model tile.Segmenter, c *config.Config) tile.Segmenter {
	return func(ctx context.Context, picture image.Image) (*spinemask.Result, error) {
		r, err := model(ctx, picture)
		if err == nil {
			r.Instances = slices.DeleteFunc(slices.Clone(r.Instances), func(in spinemask.Instance) bool {
				return float64(in.Score) < c.Detections.DisplayThreshold
			})
		}
		return r, err
	}
}
