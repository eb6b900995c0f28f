package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	diameter string // in pixels, or one of the words below; "": not decided

	cut tile.Options // what they come to; a Size of 0 is no tiles
}

// What --diameter may be but pixels.
const (
	diameterAuto  = "auto"  // what the looks at each image say
	diameterLarge = "large" // so for images that the model's input makes smaller; others are shown as a whole
	diameterOff   = "off"   // all images are shown as a whole
)

var diameterWords = []string{diameterAuto, diameterLarge, diameterOff}

func (f *showingFlags) register(fl *pflag.FlagSet) {
	fl.IntVar(&f.tile, "tile", 0, "cut large images into tiles of this many `pixels`; a tile is scaled to the model's input")
	fl.IntVar(&f.overlap, "overlap", 0, "`pixels` that neighbouring tiles share; more than the size of most things (default: a quarter of a tile)")
	fl.Float64Var(&f.scale, "scale", 0, "show the model images at this `factor` of their size, in tiles of its input's size")
	fl.StringVar(&f.diameter, "diameter", "", "show the model images at the scale where things of this many `pixels` are as large as those it was trained on; auto: find out how large they are; large: only of images that its input makes smaller; off: show images as a whole")
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
	if f.overlap != 0 && f.diameter == diameterOff {
		return hinted{errors.New("--overlap without tiles: --diameter off shows images as a whole"), "add --tile 640 instead"}
	}
	if f.diameter != "" && !slices.Contains(diameterWords, f.diameter) {
		if px, err := strconv.ParseFloat(f.diameter, 64); err != nil || !(px >= 1 && px <= 1e6) {
			return fmt.Errorf("--diameter %s: want pixels, 1 to 1000000, %s, %s or %s", f.diameter, diameterAuto, diameterLarge, diameterOff)
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
	if len(f.given()) == 0 && c.Objects != nil && c.Objects.LookCloser {
		f.diameter = diameterLarge
	}
	if f.diameter != "" && f.diameter != diameterOff && c.Objects == nil {
		return hinted{
			fmt.Errorf("--diameter %s: the model does not say how large the objects are that it was trained on", f.diameter),
			`--scale says directly how images are shown; or write "objects": {"diameter": PIXELS} into what info --config prints, and convert --config FILE`,
		}
	}
	switch {
	case f.looks():
		f.cut = tile.Options{Overlap: f.overlap}
	case f.diameter == diameterOff:
	case f.diameter != "":
		px, _ := strconv.ParseFloat(f.diameter, 64) // check has looked at it
		f.cut, err = f.atScale(c, c.Objects.Diameter/px, maxPixels)
	case f.scale != 0:
		f.cut, err = f.atScale(c, f.scale, maxPixels)
	case f.tile != 0:
		f.cut, err = f.tiles(tile.Options{Size: f.tile, Overlap: f.tile / 4}, "--tile "+strconv.Itoa(f.tile))
	}
	f.cut.Workers, f.cut.Slots = workers, make(chan struct{}, max(workers, 1)) // as many tiles in memory, of however many images
	return err
}

// atScale makes tiles that the model sees at a scale.
func (f *showingFlags) atScale(c *config.Config, scale float64, maxPixels int64) (o tile.Options, err error) {
	if o, err = tile.AtScale(c, scale); err != nil {
		return o, err
	}
	what := fmt.Sprintf("--scale %.4g", scale)
	if f.diameter != "" {
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

// looks says whether it is decided for each image how it is shown.
func (f *showingFlags) looks() bool { return f.diameter == diameterAuto || f.diameter == diameterLarge }

// find is the network's work on an image, and how it was shown where that is decided for each.
func (f *segmentFlags) find(ctx context.Context, model *spinemask.Model, photo *imageio.Image) (r *spinemask.Result, seen tile.Seen, err error) {
	c := model.Config()
	switch {
	case f.diameter == diameterAuto, f.diameter == diameterLarge && shrinking(&c.Input, photo) > 1:
		r, seen, err = tile.Auto(ctx, model.Segment, c, photo, f.cut)
	case f.cut.Size == 0:
		r, err = model.Segment(ctx, photo)
	default:
		r, err = tile.Segment(ctx, model.Segment, photo, f.cut)
	}
	if err == nil { // a model that looks at images by itself may give more
		r.Instances = slices.DeleteFunc(r.Instances, func(in spinemask.Instance) bool { return float64(in.Score) < f.score })
	}
	return r, seen, err
}

// sightOf says how an image was shown.
func sightOf(seen tile.Seen) string {
	switch {
	case seen.Diameter == 0:
		return "nothing found that could be measured; fitted into the model's input"
	case seen.Scale == 0:
		return fmt.Sprintf("objects of %g px; fitted into the model's input", seen.Diameter)
	}
	return fmt.Sprintf("objects of %g px; shown at scale %g", seen.Diameter, seen.Scale)
}
