package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/tile"
)

// showingFlags say how images are shown to the model: whole, in tiles, or at a scale.
type showingFlags struct {
	tile     int
	overlap  int
	scale    float64
	diameter string // in pixels, or diameterAuto

	cut tile.Options // what they come to; a Size of 0 is no tiles
}

// diameterAuto, as --diameter, stands for what two looks at each image say.
const diameterAuto = "auto"

func (f *showingFlags) register(fl *pflag.FlagSet) {
	fl.IntVar(&f.tile, "tile", 0, "cut large images into tiles of this many `pixels`; a tile is scaled to the model's input")
	fl.IntVar(&f.overlap, "overlap", 0, "`pixels` that neighbouring tiles share; more than the size of most things (default: a quarter of a tile)")
	fl.Float64Var(&f.scale, "scale", 0, "show the model images at this `factor` of their size, in tiles of its input's size")
	fl.StringVar(&f.diameter, "diameter", "", "show the model images at the scale where things of this many `pixels`, or auto, are as large as those it was trained on")
}

// names of the flags that choose, of which an image needs one at most.
var showingNames = []string{"tile", "scale", "diameter"}

func (f *showingFlags) given() (names []string) {
	for i, given := range []bool{f.tile != 0, f.scale != 0, f.diameter != ""} {
		if given {
			names = append(names, "--"+showingNames[i])
		}
	}
	return names
}

func (f *showingFlags) check() error {
	given := f.given()
	if len(given) > 1 {
		return hinted{fmt.Errorf("%s and %s: both decide how images are shown to the model", given[0], given[1]), "leave one of them away"}
	}
	if f.overlap != 0 && len(given) == 0 {
		return hinted{errors.New("--overlap without tiles"), "add --tile 640"}
	}
	if f.diameter != "" && f.diameter != diameterAuto {
		if px, err := strconv.ParseFloat(f.diameter, 64); err != nil || !(px >= 1 && px <= 1e6) {
			return fmt.Errorf("--diameter %s: want pixels, 1 to 1000000, or %s", f.diameter, diameterAuto)
		}
	}
	return nil
}

// adopt takes the flags over from a run that goes on.
func (f *showingFlags) adopt(was export.Info) {
	f.diameter, f.overlap = was.Diameter, was.TileOverlap
	if f.diameter != "" {
		return
	}
	if f.scale = was.Scale; f.scale == 0 {
		f.tile = was.Tile
	}
}

// decide finds out how images are cut for a model.
func (f *showingFlags) decide(c *config.Config, workers int, maxPixels int64) (err error) {
	if f.diameter != "" && c.Objects == nil {
		return hinted{
			fmt.Errorf("--diameter %s: the model does not say how large the objects are that it was trained on", f.diameter),
			`--scale says directly how images are shown; or write "objects": {"diameter": PIXELS} into what info --config prints, and convert --config FILE`,
		}
	}
	switch {
	case f.diameter == diameterAuto:
		f.cut = tile.Options{Workers: workers}
		return nil
	case f.diameter != "":
		px, _ := strconv.ParseFloat(f.diameter, 64) // check has looked at it
		f.cut, err = f.atScale(c, c.Objects.Diameter/px, maxPixels)
	case f.scale != 0:
		f.cut, err = f.atScale(c, f.scale, maxPixels)
	case f.tile != 0:
		f.cut, err = f.tiles(tile.Options{Size: f.tile, Overlap: f.tile / 4}, "--tile "+strconv.Itoa(f.tile))
	}
	f.cut.Workers = workers
	return err
}

// atScale makes tiles that the model sees at a scale.
func (f *showingFlags) atScale(c *config.Config, scale float64, maxPixels int64) (o tile.Options, err error) {
	if o, err = tile.AtScale(c, scale); err != nil {
		return o, err
	}
	what := fmt.Sprintf("--scale %.4g", scale)
	if f.diameter != "" && f.diameter != diameterAuto {
		what = fmt.Sprintf("--diameter %s: scale %.3g", f.diameter, scale)
	}
	if pixels := int64(o.Size) * int64(o.Size); pixels > maxPixels {
		return o, hinted{fmt.Errorf("%s: tiles of %d pixels a side; want at most %d pixels in all", what, o.Size, maxPixels), "--max-pixels allows more"}
	}
	return f.tiles(o, what)
}

// tiles are those that a flag comes to, with the overlap that is wanted.
func (f *showingFlags) tiles(o tile.Options, what string) (tile.Options, error) {
	if f.overlap != 0 {
		o.Overlap = f.overlap
	}
	if o.Check() != nil {
		return o, fmt.Errorf("%s --overlap %d: tiles of %d pixels; want at least %d, and an overlap of at most half of that", what, o.Overlap, o.Size, tile.MinSize)
	}
	return o, nil
}

// A showing says how one image was shown, where that is decided for each.
type showing struct {
	diameter float64 // of its objects, pixels
	scale    float64
}

// find is the network's work on an image.
func (f *segmentFlags) find(ctx context.Context, model *spinemask.Model, photo *imageio.Image) (*spinemask.Result, showing, error) {
	var s showing
	cut := f.cut
	if f.diameter == diameterAuto {
		var err error
		if s, cut, err = f.measure(ctx, model, photo); err != nil {
			return nil, s, err
		}
	}
	if cut.Size == 0 {
		r, err := model.Segment(ctx, photo)
		return r, s, err
	}
	r, err := tile.Segment(ctx, model.Segment, photo, cut)
	return r, s, err
}

// measure looks how large the objects of an image are, and at what scale the model is to see it. Where it finds none, the image is fitted into the input.
func (f *segmentFlags) measure(ctx context.Context, model *spinemask.Model, photo *imageio.Image) (s showing, cut tile.Options, err error) {
	c := model.Config()
	px, err := tile.Diameter(ctx, model.Segment, c, photo, f.cut.Workers)
	if err != nil || px == 0 {
		return s, tile.Options{}, err
	}
	s = showing{diameter: rounded(px), scale: rounded(c.Objects.Diameter / px)}
	cut, err = f.atScale(c, s.scale, f.maxPixels)
	cut.Workers = f.cut.Workers
	return s, cut, err
}

// rounded keeps three digits: what is written is what was done.
func rounded(v float64) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	return r
}

func (s showing) String() string {
	if s.diameter == 0 {
		return "no objects at two scales; fitted into the model's input"
	}
	return fmt.Sprintf("objects of %g px; shown at scale %g", s.diameter, s.scale)
}
