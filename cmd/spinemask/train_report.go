package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/internal/command/trainreport"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/overlay"
	"github.com/spinemask/spinemask/internal/core/page"
	"github.com/spinemask/spinemask/train"
)

// report writes the page about the run. The images that it shows are of the set that the
// model was measured on.
func (r *trainRun) report(ctx context.Context, set *dataset.Set) error {
	g := &r.progress
	charts, last, err := r.charts()
	if err != nil {
		return err
	}
	recipe, err := json.MarshalIndent(r.recipe, "", "  ")
	if err != nil {
		return err
	}
	p := r.provenance()
	rep := trainreport.Report{
		Name: r.trainer.Config().Name, Charts: charts, Recipe: string(recipe),
		Facts: []page.Fact{
			{Name: "images to learn from", Value: fmt.Sprint(len(r.set.Images))}, {Name: "for validation", Value: fmt.Sprint(r.validationImages())},
			{Name: "steps", Value: fmt.Sprint(r.trainer.StepDone())}, {Name: "minutes", Value: fmt.Sprintf("%.1f", r.spent().Minutes())},
			{Name: "loss at the end", Value: fmt.Sprintf("%.3f", last)},
		},
		Made: []page.Fact{
			{Name: "weights from", Value: g.Source}, {Name: "SHA-256 of them", Value: g.Weights},
			{Name: "data", Value: filepath.Base(r.flags.data)}, {Name: "SHA-256 of what is marked", Value: p.SHA256},
			{Name: "classes", Value: strings.Join(set.Titles(), ", ")}, {Name: "provenance", Value: p.Source},
			{Name: "display threshold", Value: fmt.Sprintf("%.3f", g.Threshold)}, {Name: "spinemask", Value: version()},
		},
	}
	if o := r.trainer.Config().Objects; o != nil {
		rep.Made = append(rep.Made, page.Fact{Name: "diameter of the objects", Value: fmt.Sprintf("%g pixels of the input, median", o.Diameter)})
	}
	if r.heldOut {
		rep.Made = append(rep.Made, page.Fact{Name: "held out for validation", Value: strings.Join(setNames(r.val), ", ")})
	}
	rep.Measured = "No image was held out: classes, images and the display threshold are from the images that the model was trained on, which says little of others."
	if g.Folds > 0 {
		rep.Measured = fmt.Sprintf("No image was held out. Classes, images and the display threshold are by folds: each image was shown to a model that was trained without %s of the images, this one among them.", part(g.Folds))
		rep.Facts = append(rep.Facts, page.Fact{Name: "AP by folds", Value: fmt.Sprintf("%.3f", g.BestAP)})
	}
	if r.val != nil {
		rep.Measured = fmt.Sprintf("The model is that of step %d, the best on the images for validation; classes and images below are from there.", g.BestStep)
		rep.Facts = append(rep.Facts, page.Fact{Name: "validation AP", Value: fmt.Sprintf("%.3f", g.BestAP)})
	}
	for _, c := range g.Best.ByClass {
		value := fmt.Sprintf("%.3f", c.AP)
		if c.AP < 0 {
			value = "no object" // as COCO's evaluation marks it
		}
		rep.Classes = append(rep.Classes, page.Fact{Name: c.Name, Value: value})
	}
	if rep.Pairs, err = r.worst(ctx, set); err != nil {
		return err
	}
	return writeFile(r.path(trainReport), func(w io.Writer) error { return rep.Write(w) })
}

func (r *trainRun) validationImages() int {
	if r.val == nil {
		return 0
	}
	return len(r.val.Images)
}

func setNames(s *dataset.Set) (names []string) {
	for _, im := range s.Images {
		names = append(names, im.Name)
	}
	return names
}

// charts are read from the log, so that they show the whole of a run that was resumed.
// last is the mean loss of the last points.
func (r *trainRun) charts() (charts []page.Chart, last float64, err error) {
	data, err := os.ReadFile(r.path(trainLog))
	if err != nil {
		return nil, 0, err
	}
	const points = 200
	window := max(1, r.recipe.Steps/points)
	sums := map[string]float64{}
	lines := map[string]*page.Line{}
	add := func(name string, x, y float64) {
		if lines[name] == nil {
			lines[name] = &page.Line{Name: name}
		}
		lines[name].X, lines[name].Y = append(lines[name].X, x), append(lines[name].Y, y)
	}
	scan := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; scan.Scan(); n++ {
		var line struct {
			Step       int                `json:"step"`
			Rate       float64            `json:"learning_rate"`
			Losses     map[string]float64 `json:"losses"`
			Validation *validation        `json:"validation"`
		}
		if err := json.Unmarshal(scan.Bytes(), &line); err != nil {
			return nil, 0, fmt.Errorf("%s: line %d: %w", r.path(trainLog), n, err)
		}
		x := float64(line.Step)
		if v := line.Validation; v != nil {
			add("AP", x, v.AP)
			add("AP50", x, v.AP50)
			add("AP of boxes", x, v.Box)
			continue
		}
		add("learning rate", x, line.Rate)
		for name, v := range line.Losses {
			sums[name] += v
		}
		if line.Step%window == 0 {
			for name, v := range sums {
				add(name, x, v/float64(window))
			}
			last = sums["total_loss"] / float64(window)
			clear(sums)
		}
	}
	chart := func(title string, logarithmic bool, top float64, names ...[2]string) {
		c := page.Chart{Title: title, Log: logarithmic, Top: top}
		for _, n := range names {
			if l := lines[n[0]]; l != nil {
				c.Lines = append(c.Lines, page.Line{Name: n[1], X: l.X, Y: l.Y})
			}
		}
		if len(c.Lines) > 0 {
			charts = append(charts, c)
		}
	}
	chart("Loss", true, 0, append([][2]string{{"total_loss", "all"}}, lossNames...)...)
	chart("Validation", false, 1, [2]string{"AP", "AP"}, [2]string{"AP50", "AP50"}, [2]string{"AP of boxes", "AP of boxes"})
	chart("Learning rate", true, 0, [2]string{"learning rate", "learning rate"})
	return charts, last, scan.Err()
}

// worstImages is how many images the report shows.
const worstImages = 8

// worst draws the images with the lowest F1.
func (r *trainRun) worst(ctx context.Context, set *dataset.Set) ([]trainreport.Pair, error) {
	f1 := func(s train.ImageScore) float64 { // no object and no instance: nothing is wrong
		if s.Right+s.Wrong+s.Objects == 0 {
			return 1
		}
		return 2 * float64(s.Right) / float64(s.Right+s.Wrong+s.Objects)
	}
	list := slices.Clone(r.progress.Best.Images)
	slices.SortStableFunc(list, func(a, b train.ImageScore) int { return cmp.Compare(f1(a), f1(b)) })
	list = list[:min(len(list), worstImages)]
	o := &spinemask.Options{Threads: r.flags.threads, MinScore: r.progress.Threshold}
	models, err := r.openFolds(o)
	if err != nil {
		return nil, err
	}
	if len(models.open) == 0 {
		if err := models.add(r.flags.out, o); err != nil {
			return nil, err
		}
	}
	defer models.close()
	var pairs []trainreport.Pair
	for _, s := range list {
		im := &set.Images[s.Image]
		img, err := spinemask.OpenImage(im.Path, &spinemask.ImageOptions{AsStored: im.AsStored})
		if err != nil {
			return nil, err
		}
		result, err := models.of(s.Image).Segment(ctx, img)
		if err != nil {
			return nil, err
		}
		var marked, found []overlay.Instance
		for _, o := range im.Objects {
			marked = append(marked, overlay.Instance{Mask: o.Mask, Box: xywh(o.Box), Label: set.Categories[o.Category].Title()})
		}
		for _, in := range result.Instances {
			found = append(found, overlay.Instance{Mask: in.Mask, Box: xywh(in.Box), Label: in.Name, Score: in.Score})
		}
		pair := trainreport.Pair{Name: im.Name, Objects: s.Objects, Right: s.Right, Wrong: s.Wrong}
		photo := imageio.FromImage(img)
		if pair.Truth, err = page.Draw(photo, marked); err != nil {
			return nil, err
		}
		if pair.Found, err = page.Draw(photo, found); err != nil {
			return nil, err
		}
		pairs = append(pairs, pair)
	}
	return pairs, nil
}

func xywh(b box.Box) [4]float64 {
	return [4]float64{float64(b.X1), float64(b.Y1), float64(b.X2 - b.X1), float64(b.Y2 - b.Y1)}
}
