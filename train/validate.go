package train

import (
	"context"
	"fmt"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/dataset"
)

// Scores say how good a model is on a data set, by COCO's rules.
type Scores struct {
	AP, AP50, AP75 float64 // of masks, or of boxes if the model has none
	BoxAP          float64
	ByClass        []ClassScore
	// Threshold is the score from which instances are best shown: the one with the
	// largest F1 at an IoU of a half, over all classes.
	Threshold, F1 float64
	Images        []ImageScore
}

// ClassScore is the AP of a class.
type ClassScore struct {
	Name string
	AP   float64
}

// Validate runs the network as it is over a data set and compares.
func (t *Trainer) Validate(ctx context.Context, set *dataset.Set) (*Scores, error) {
	model, err := spinemask.New(t.config, current{t}, &spinemask.Options{Threads: t.options.Threads})
	if err != nil {
		return nil, err
	}
	defer model.Close()
	return t.ValidateWith(ctx, set, func(int) *spinemask.Model { return model })
}

// ValidateWith is Validate with models that are given for the images of the set, such as
// those of Folds that have not seen them.
func (t *Trainer) ValidateWith(ctx context.Context, set *dataset.Set, model func(image int) *spinemask.Model) (*Scores, error) {
	evaluators, err := t.evaluators(set)
	if err != nil {
		return nil, err
	}
	s := &Scores{}
	var all []found
	objects := 0
	for i := range set.Images {
		im := &set.Images[i]
		img, err := t.options.Read(im)
		if err != nil {
			return nil, fmt.Errorf("train: %s: %w", im.Name, err)
		}
		r, err := model(i).Segment(ctx, img)
		if err != nil {
			return nil, err
		}
		var list []cocoeval.Detection
		for _, in := range r.Instances {
			list = append(list, cocoeval.Detection{
				CategoryID: int64(in.Category), Score: float64(in.Score), Mask: in.Mask,
				Box: [4]float64{float64(in.Box.X1), float64(in.Box.Y1), float64(in.Box.X2 - in.Box.X1), float64(in.Box.Y2 - in.Box.Y1)},
			})
		}
		for _, e := range evaluators {
			if err := e.Add(int64(i+1), list); err != nil {
				return nil, err
			}
		}
		matched := match(r.Instances, im.Objects, set.Categories)
		all = append(all, matched...)
		n := 0
		for _, o := range im.Objects {
			if !o.Crowd {
				n++
			}
		}
		objects += n
		s.Images = append(s.Images, ImageScore{Image: i, Objects: n, found: matched})
	}
	s.Threshold, s.F1 = bestThreshold(all, objects)
	for i := range s.Images {
		s.Images[i].at(s.Threshold)
	}
	return s, s.fromEvaluators(evaluators)
}

// evaluators are those of boxes and, if the model has masks, of masks.
func (t *Trainer) evaluators(set *dataset.Set) (list []*cocoeval.Evaluator, err error) {
	data, err := set.COCO()
	if err != nil {
		return nil, err
	}
	kinds := []cocoeval.IoUType{cocoeval.BBox}
	if t.config.Model.HasMasks() {
		kinds = append(kinds, cocoeval.Segm)
	}
	for _, kind := range kinds {
		p := cocoeval.NewParams(kind, cocoeval.COCO)
		p.Mode = cocoeval.Corrected
		p.MaxDets = []int{1, 10, max(100, t.config.Detections.Max)}
		d, err := coco.ParseDataset(data, "data set", p.IoU.Fields())
		if err != nil {
			return nil, err
		}
		e, err := cocoeval.New(d, p)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

func (s *Scores) fromEvaluators(evaluators []*cocoeval.Evaluator) error {
	for i, e := range evaluators {
		ev, err := e.Evaluate()
		if err != nil {
			return err
		}
		for _, st := range ev.Stats() {
			switch st.Name {
			case "AP":
				s.AP = st.Value
				if i == 0 {
					s.BoxAP = st.Value
				}
			case "AP50":
				s.AP50 = st.Value
			case "AP75":
				s.AP75 = st.Value
			}
		}
		s.ByClass = nil
		for k, c := range ev.Categories {
			s.ByClass = append(s.ByClass, ClassScore{c.Name, ev.ClassStats(k)[0].Value})
		}
	}
	return nil
}
