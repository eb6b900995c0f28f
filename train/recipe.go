package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spinemask/spinemask/train/optim"
)

// A Recipe is everything that decides how a network is trained, but for the data
// and the weights that it begins with. It is data: JSON, printed by
// --print-recipe, and stored with the model.
type Recipe struct {
	Name   string `json:"name"`
	Source string `json:"source"` // where its values come from
	Seed   uint64 `json:"seed"`

	Batch  int `json:"batch"`           // images of a step
	Parts  int `json:"parts,omitempty"` // in which the batch is computed one after another, with less memory; 0: one
	Steps  int `json:"steps"`           // updates
	Height int `json:"height"`          // of the network's input; 0: the model's own
	Width  int `json:"width"`

	Rate        Rate    `json:"learning_rate"`
	Momentum    float64 `json:"momentum"`
	RateOutside bool    `json:"rate_outside_velocity,omitempty"` // as TensorFlow 1 keeps the velocity
	AdamW       *AdamW  `json:"adamw,omitempty"`                 // in place of momentum; nil: stochastic gradient descent
	WeightDecay float64 `json:"weight_decay"`                    // of kernels, inside the loss; with AdamW beside it
	ClipNorm    float64 `json:"clip_norm,omitempty"`             // of all gradients together; 0: none
	Average     float64 `json:"average,omitempty"`               // decay of a moving average of the weights, which is then the model; 0: none

	Depth     float64    `json:"stochastic_depth,omitempty"` // how often the last block's branches are left out; earlier ones less
	DropBlock *DropBlock `json:"dropblock,omitempty"`
	Smoothing float64    `json:"label_smoothing,omitempty"` // of classification

	Norms  Norms  `json:"norms"`
	Freeze Freeze `json:"freeze,omitempty"` // what keeps its weights

	Balance float64        `json:"balance,omitempty"` // how far small folders of images catch up with the largest one in an epoch: 0 not at all, 1 fully
	Anchors AnchorSampling `json:"anchors"`
	Regions RegionSampling `json:"regions"`
	Augment Augment        `json:"augment"`
}

// Rate is the learning rate over the steps.
type Rate struct {
	Value       float64   `json:"value"`               // after the warm-up
	WarmupSteps int       `json:"warmup_steps"`        // in a line from Warmup to Value
	Warmup      float64   `json:"warmup"`              // at step 0
	Cosine      bool      `json:"cosine,omitempty"`    // falls to 0 over all steps
	Drops       []float64 `json:"drops,omitempty"`     // parts of all steps after which the rate is a tenth
	PerImage    bool      `json:"per_image,omitempty"` // Value and Warmup are for one image of a batch
}

// AdamW are the values of optim.AdamW, whose decay is the recipe's WeightDecay.
type AdamW struct {
	Beta1   float64 `json:"beta1"`
	Beta2   float64 `json:"beta2"`
	Epsilon float64 `json:"epsilon"`
}

// Norms say how batch norms are trained.
type Norms struct {
	Momentum float64 `json:"momentum"`         // of the moving statistics
	Frozen   bool    `json:"frozen,omitempty"` // they normalise with the statistics that they have, and keep scale and shift unless Affine is set
	Affine   bool    `json:"affine,omitempty"` // scale and shift are trained though statistics are frozen, as mmdetection's norm_eval with requires_grad
}

// Freeze names what is not trained.
type Freeze string

const (
	FreezeNothing  Freeze = ""
	FreezeStem     Freeze = "stem"     // the layers before the first block, as far as they are not made anew
	FreezeBackbone Freeze = "backbone" // all layers before the heads, likewise
)

// AnchorSampling is which anchors the region proposal network is trained on.
type AnchorSampling struct {
	Samples  int     `json:"samples"`  // of an image
	Fraction float64 `json:"fraction"` // of them at most with an object
}

// RegionSampling is which regions the heads are trained on.
type RegionSampling struct {
	PreNMS   int     `json:"pre_nms_per_level"`
	PostNMS  int     `json:"post_nms"`
	Samples  int     `json:"samples"`              // of an image, for classes and boxes
	Fraction float64 `json:"fraction"`             // of them at most with an object
	Masks    int     `json:"masks"`                // of an image
	MaskCrop int     `json:"mask_crop"`            // side of the mask of an object from which those of regions are cut
	IoU      float64 `json:"iou,omitempty"`        // with an object, from which a region has it; 0: 0.5
	Cells    bool    `json:"mask_cells,omitempty"` // masks are values at the middles of cells; false: as the Model Garden, which takes them up to half a pixel of the picture beside
}

// Augment is how pictures are changed at random. Probabilities are from 0 to 1.
type Augment struct {
	Flip   float64    `json:"flip"`             // probability of a mirror image
	Turns  bool       `json:"turns,omitempty"`  // by 0, 90, 180 and 270 degrees alike
	Scale  [2]float64 `json:"scale"`            // least and most, of the size that fills the input
	Window *Window    `json:"window,omitempty"` // nil: pictures are shown as a whole, but for the scale
	Color  *Color     `json:"color,omitempty"`  // for microscopy; nil: colours stay
	Most   int        `json:"most_objects"`     // of a picture; 0: all
}

// Color is how brightness is changed at random; a 0 leaves it out.
type Color struct {
	Brightness float64 `json:"brightness"` // most that is added, of the whole range
	Contrast   float64 `json:"contrast"`   // factor from 1/(1 + Contrast) to 1 + Contrast
	Gamma      float64 `json:"gamma"`      // exponent from 1/(1 + Gamma) to 1 + Gamma
	Invert     float64 `json:"invert"`     // probability of a negative
	Noise      float64 `json:"noise"`      // most deviation of Gaussian noise, of the whole range
	Blur       float64 `json:"blur"`       // most deviation of a Gaussian blur, pixels

	Exposure float64 `json:"exposure,omitempty"` // least level, of the whole range, to which the brightest hundredth of every other picture is brought; the most is white
	Grey     float64 `json:"grey,omitempty"`     // probability that colours are taken away
	Tint     float64 `json:"tint,omitempty"`     // probability that a grey picture gets a colour
	Stain    float64 `json:"stain,omitempty"`    // factor of the optical density, all channels together and then each, from 1/(1 + Stain) to 1 + Stain
	Shade    float64 `json:"shade,omitempty"`    // most light that is lost on the way across a picture, and most haze at its border
}

// Window shows parts of pictures at the scale of their objects, to a network whose input
// stays larger: small objects are seen large and large ones small, whatever the size of
// the picture that they were in.
type Window struct {
	Side     int        `json:"side"`            // of the square that is shown, input pixels
	Diameter [2]float64 `json:"diameter"`        // least and most of the picture's median object, input pixels; each octave alike
	Enlarge  float64    `json:"enlarge"`         // most, of the picture's own size
	Whole    float64    `json:"whole,omitempty"` // probability that the scale is instead near that at which the network is shown whole pictures: from 3/4 to 4/3 of it
}

// ParseRecipe reads a recipe from JSON. Unknown fields are errors.
func ParseRecipe(data []byte) (*Recipe, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	r := new(Recipe)
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("train: recipe: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("train: recipe: there is more behind it")
	}
	if len(r.Rate.Drops) == 0 {
		r.Rate.Drops = nil // as a state file gives it back
	}
	return r, r.Validate()
}

// Validate lists every value that means nothing, one a line.
func (r *Recipe) Validate() error {
	var problems []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("train: recipe: "+format, args...))
		}
	}
	want(r.Batch >= 1 && r.Batch <= 1024, "batch: %d, want 1 to 1024", r.Batch)
	want(r.Parts >= 0 && r.Batch%max(r.Parts, 1) == 0, "parts: %d of a batch of %d, want a divisor of it", r.Parts, r.Batch)
	want(r.Steps >= 1, "steps: %d, want at least 1", r.Steps)
	want(r.Height >= 0 && r.Width >= 0 && (r.Height == 0) == (r.Width == 0), "height and width: %d×%d, want both or neither", r.Height, r.Width)
	want(r.Rate.Value > 0 && r.Rate.Value < 100, "learning_rate.value: %g, want more than 0", r.Rate.Value)
	want(r.Rate.Warmup >= 0 && r.Rate.WarmupSteps >= 0, "learning_rate: a warm-up from %g in %d steps", r.Rate.Warmup, r.Rate.WarmupSteps)
	for i, d := range r.Rate.Drops {
		want(d > 0 && d < 1, "learning_rate.drops: %g, want between 0 and 1", d)
		want(i == 0 || d > r.Rate.Drops[i-1], "learning_rate.drops: %g behind %g, want them rising", d, r.Rate.Drops[max(i-1, 0)])
	}
	want(!r.Rate.Cosine || len(r.Rate.Drops) == 0, "learning_rate: drops beside cosine, want one of them")
	want(r.Momentum >= 0 && r.Momentum < 1, "momentum: %g, want 0 to less than 1", r.Momentum)
	if a := r.AdamW; a != nil {
		want(a.Beta1 >= 0 && a.Beta1 < 1 && a.Beta2 >= 0 && a.Beta2 < 1 && a.Epsilon >= 1e-30, "adamw: %+v, want decays of 0 to less than 1 and an epsilon of 1e-30 or more", *a)
		want(r.Momentum == 0 && !r.RateOutside, "adamw beside momentum: its momentum is beta1")
	}
	want(r.WeightDecay >= 0 && r.WeightDecay < 1, "weight_decay: %g, want 0 to less than 1", r.WeightDecay)
	want(r.ClipNorm >= 0, "clip_norm: %g, want 0 or more", r.ClipNorm)
	want(r.Average >= 0 && r.Average < 1, "average: %g, want 0 to less than 1", r.Average)
	want(r.Depth >= 0 && r.Depth < 1, "stochastic_depth: %g, want 0 to less than 1", r.Depth)
	if d := r.DropBlock; d != nil {
		want(d.Keep > 0 && d.Keep <= 1 && d.Size >= 1 && d.Level >= 1, "dropblock: %+v, want keep above 0 to 1, size and level from 1 on", *d)
	}
	want(r.Smoothing >= 0 && r.Smoothing < 1, "label_smoothing: %g, want 0 to less than 1", r.Smoothing)
	want(r.Norms.Momentum >= 0 && r.Norms.Momentum <= 1, "norms.momentum: %g, want 0 to 1", r.Norms.Momentum)
	want(r.Freeze == FreezeNothing || r.Freeze == FreezeStem || r.Freeze == FreezeBackbone, "freeze: %q, want stem or backbone", r.Freeze)
	want(fraction(r.Balance), "balance: %g, want 0 to 1", r.Balance)
	want(r.Anchors.Samples >= 1 && fraction(r.Anchors.Fraction), "anchors: %d samples, %g of them objects, want at least 1 and 0 to 1", r.Anchors.Samples, r.Anchors.Fraction)
	s := r.Regions
	want(s.PreNMS >= 1 && s.PostNMS >= s.Samples, "regions: %d of %d proposals, want at least the samples, %d", s.PostNMS, s.PreNMS, s.Samples)
	want(s.PreNMS <= 1e6 && s.PostNMS <= 1e5, "regions: %d of %d proposals, want at most 100000 of 1000000", s.PostNMS, s.PreNMS)
	want(s.Samples >= 1 && fraction(s.Fraction), "regions: %d samples, %g of them objects, want at least 1 and 0 to 1", s.Samples, s.Fraction)
	want(s.Masks >= 1 && s.Masks <= s.Samples, "regions.masks: %d, want 1 to the samples, %d", s.Masks, s.Samples)
	want(s.MaskCrop >= 2 && s.MaskCrop <= 1024, "regions.mask_crop: %d, want 2 to 1024", s.MaskCrop)
	want(s.IoU >= 0 && s.IoU < 1, "regions.iou: %g, want 0 to less than 1", s.IoU)
	a := r.Augment
	want(fraction(a.Flip), "augment.flip: %g, want 0 to 1", a.Flip)
	want(!a.Turns || a.Flip == 0.5, "augment.turns with a flip of %g, want 0.5: of the turned pictures half are mirror images", a.Flip)
	want(a.Scale[0] > 0 && a.Scale[1] >= a.Scale[0] && a.Scale[1] <= 10, "augment.scale: %g to %g, want rising factors above 0 to 10", a.Scale[0], a.Scale[1])
	want(a.Most >= 0, "augment.most_objects: %d, want 0 or more", a.Most)
	if w := a.Window; w != nil {
		want(w.Side >= 1 && w.Diameter[0] > 0 && w.Diameter[1] >= w.Diameter[0] && w.Enlarge > 0 && fraction(w.Whole), "augment.window: %+v, want a side, a least and a most diameter, how much to enlarge, and whole from 0 to 1", *w)
	}
	if c := a.Color; c != nil {
		for _, v := range []struct {
			name        string
			value, most float64
		}{
			{"brightness", c.Brightness, 1}, {"contrast", c.Contrast, 100}, {"gamma", c.Gamma, 100}, {"invert", c.Invert, 1}, {"noise", c.Noise, 1}, {"blur", c.Blur, 20},
			{"exposure", c.Exposure, 1}, {"grey", c.Grey, 1}, {"tint", c.Tint, 1}, {"stain", c.Stain, 100}, {"shade", c.Shade, 1},
		} {
			want(v.value >= 0 && v.value <= v.most, "augment.color.%s: %g, want 0 to %g", v.name, v.value, v.most)
		}
	}
	return errors.Join(problems...)
}

func fraction(v float64) bool { return v >= 0 && v <= 1 }

// Schedule is the learning rate of each step.
func (r *Recipe) Schedule() optim.Schedule {
	value, first := r.Rate.Value, r.Rate.Warmup
	if r.Rate.PerImage {
		value, first = value*float64(r.Batch), first*float64(r.Batch)
	}
	after := optim.Constant(value)
	switch {
	case r.Rate.Cosine:
		after = optim.Cosine(value, r.Steps, 0, 0)
	case len(r.Rate.Drops) > 0:
		var at []int
		values := []float64{value}
		for i, d := range r.Rate.Drops {
			at = append(at, int(d*float64(r.Steps)))
			values = append(values, values[i]/10)
		}
		after = optim.Steps(at, values)
	}
	if r.Rate.WarmupSteps == 0 {
		return after
	}
	return optim.Warmup(first, r.Rate.WarmupSteps, after)
}
