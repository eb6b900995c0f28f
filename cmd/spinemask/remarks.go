package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/preprocess"
)

// remarks are what there is to say of the images of a run as a whole.
type remarks struct {
	images int
	scaled map[string]int // images by the rule that brought them to 8 bits
	shrunk shrunk
	closer int // images that were looked at closer because they are large
}

// shrunk are images of which the model sees much less than they have.
type shrunk struct {
	images   int
	first    string
	most     float64 // largest factor
	smallest float64
}

// farTooSmall is the factor of shrinking beyond which small things vanish. In strips of one committed image of 256×256 pixels, repeated side by side, the built-in
// model finds of the nuclei that it finds in the image alone, for two of the images, 6.5 and 27 % at a factor of 2, 3 and 8 % at 2.4, 0 and 0.7 % at 3.2.
const farTooSmall = 3

// add takes one image that was segmented.
func (r *remarks) add(it *item) {
	r.images++
	if it.closer {
		r.closer++
	}
	if it.scaling != nil {
		if r.scaled == nil {
			r.scaled = map[string]int{}
		}
		r.scaled[it.scaling.Rule]++
	}
	if it.shrunk <= farTooSmall {
		return
	}
	s := &r.shrunk
	if s.images++; s.images == 1 {
		s.first, s.smallest = it.name, it.shrunk
	}
	s.most, s.smallest = max(s.most, it.shrunk), min(s.smallest, it.shrunk)
}

// shrinking says by what factor an image is smaller in the model's input.
func shrinking(input *config.Input, photo *imageio.Image) float64 {
	g, err := preprocess.Fit(input, photo.Height, photo.Width)
	if err != nil || g.ScaledHeight == 0 || g.ScaledWidth == 0 {
		return 1
	}
	// The longer side is not rounded as much as the other one.
	if photo.Height > photo.Width {
		return float64(photo.Height) / float64(g.ScaledHeight)
	}
	return float64(photo.Width) / float64(g.ScaledWidth)
}

// sayRemarks says it.
func (t *talk) sayRemarks(r *remarks, rule imageio.Normalize, c *config.Config) {
	for _, used := range slices.Sorted(maps.Keys(r.scaled)) {
		t.say("%s", brightness(r.scaled[used], r.images, used, rule))
	}
	if r.closer > 0 {
		t.say("%d of %d images were looked at closer, in tiles: they are larger than the model's input, and what is in them is small (--diameter off shows them as a whole)", r.closer, r.images)
	}
	if s := r.shrunk; s.images > 0 {
		what, whose, it := s.first+" is", "its", "it"
		if s.images > 1 {
			what, whose, it = fmt.Sprintf("%d images such as %s are", s.images, s.first), "their", "them"
		}
		t.say("%s shown to the model at %s of %s size, at which small things vanish; %s", what, fractions(s.smallest, s.most), whose, inPieces(c, it))
	}
}

// brightness says how many images were brought to 8 bits by a rule.
func brightness(n, of int, used string, asked imageio.Normalize) string {
	name, numbers, _ := strings.Cut(used, ":")
	how := map[string]string{"none": "the upper 8 bits are taken", "minmax": "brightness is scaled to the extremes of each"}[name]
	switch name {
	case "percentile":
		how = "brightness is scaled to percentiles " + strings.Replace(numbers, ",", " to ", 1) + " of each"
	case "bits":
		how = "brightness is scaled from " + numbers + " bits"
	}
	images := fmt.Sprintf("%d of %d images", n, of)
	if of == 1 {
		images, how = "the image", strings.TrimSuffix(how, " of each")
	}
	have := " have more than 8 bits"
	if n == 1 {
		have = " has more than 8 bits"
	}
	if rule := asked.String(); strings.HasPrefix(rule, "minmax") || strings.HasPrefix(rule, "percentile") {
		have = "" // that is not why
	}
	return images + have + ": " + how + " (--normalize)"
}

// inPieces says what to do.
func inPieces(c *config.Config, it string) string {
	advice := fmt.Sprintf("--tile %d shows %s in pieces", goodTile(c), it)
	if c.Objects != nil {
		advice += ", --diameter auto at a scale that fits the things in " + it
	}
	return advice
}

// goodTile is a size of tiles to begin with: that of the model's config, or of its input.
func goodTile(c *config.Config) int {
	const side = 1 << 12
	if c.Objects != nil && c.Objects.Tile != 0 {
		return c.Objects.Tile
	}
	g, err := preprocess.Fit(&c.Input, side, side)
	if err != nil {
		return side
	}
	return min(g.ScaledHeight, g.ScaledWidth)
}

// fractions is "1/30", or "1/3 to 1/30".
func fractions(smallest, most float64) string {
	a, b := fmt.Sprintf("1/%.0f", smallest), fmt.Sprintf("1/%.0f", most)
	if a == b {
		return a
	}
	return a + " to " + b
}
