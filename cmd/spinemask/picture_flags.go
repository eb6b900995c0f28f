package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/tiff"
)

// pictureFlags say which pictures of a file are looked at, and how their brightness becomes 8 bits.
type pictureFlags struct {
	page      string
	channels  []string
	z         string
	normalize string
	rule      imageio.Normalize // what normalize comes to
}

// Words that the flags know beside numbers.
const (
	pageAll       = "all"
	zMax, zMean   = "max", "mean"
	normalizeAuto = "auto"
)

func (f *pictureFlags) add(fl *pflag.FlagSet) {
	fl.StringVar(&f.page, "page", "", "take page `N|all` of TIFF files: one by its number, or each as an image (default: as the file orders its pages)")
	fl.StringSliceVar(&f.channels, "channel", nil, "take these channels of TIFF files, by `numbers or names`, each as an image (default: the colour picture, or nuclei, or the first)")
	fl.StringVar(&f.z, "z", "", "take `max|mean|N` of z-stacks: the maximum or the mean over z, or one plane (default: max)")
	fl.StringVar(&f.normalize, "normalize", normalizeAuto, "`rule` that brings brightness of more than 8 bits to 8: auto (percentiles 0.1 to 99.9), none, minmax, percentile:LO,HI or bits:N")
}

// check looks at the flags, and reads the rule.
func (f *pictureFlags) check() error {
	if !isNumberOr(f.page, pageAll) {
		return fmt.Errorf("--page %q: want a number from 1, or %s", f.page, pageAll)
	}
	if !isNumberOr(f.z, zMax, zMean) {
		return fmt.Errorf("--z %q: want %s, %s or a number from 1", f.z, zMax, zMean)
	}
	if f.page != "" && f.z != "" {
		return hinted{errors.New("--page and --z: planes in z are pages"), "leave one of them away"}
	}
	for _, c := range f.channels {
		if n, err := strconv.Atoi(c); c == "" || err == nil && n < 1 {
			return fmt.Errorf("--channel %q: want numbers from 1, or names", c)
		}
	}
	if f.normalize == "" {
		f.normalize = normalizeAuto
	}
	rule, err := imageio.ParseNormalize(f.normalize)
	if err != nil {
		_, why, _ := strings.Cut(err.Error(), fmt.Sprintf("%q: ", f.normalize))
		return fmt.Errorf("--normalize %q: %s", f.normalize, why)
	}
	f.rule = rule
	return nil
}

// isNumberOr tells numbers from 1, some words, and what was not given.
func isNumberOr(text string, words ...string) bool {
	for _, w := range append(words, "") {
		if text == w {
			return true
		}
	}
	n, err := strconv.Atoi(text)
	return err == nil && n >= 1
}

// describe tells the description of a run.
func (f *pictureFlags) describe(info *export.Info) {
	info.Page, info.Channels, info.Z = f.page, f.channels, f.z
	if rule := f.rule.String(); rule != normalizeAuto {
		info.Normalize = rule
	}
}

// adopt takes what the command line does not say from the description of a run that is to go on.
func (f *pictureFlags) adopt(flags *pflag.FlagSet, info *export.Info) error {
	if !flags.Changed("page") && !flags.Changed("z") {
		f.page, f.z = info.Page, info.Z
	}
	if !flags.Changed("channel") {
		f.channels = info.Channels
	}
	if !flags.Changed("normalize") {
		f.normalize = info.Normalize
	}
	return f.check()
}

// chosen names the flags that choose among the pictures of a file.
func (f *pictureFlags) chosen() string {
	var names []string
	for _, flag := range []struct {
		name string
		set  bool
	}{{"--page", f.page != ""}, {"--channel", len(f.channels) > 0}, {"--z", f.z != ""}} {
		if flag.set {
			names = append(names, flag.name)
		}
	}
	return strings.Join(names, " or ")
}

// selection says which pictures are wanted.
func (f *pictureFlags) selection() tiff.Selection {
	return tiff.Selection{Page: f.page, Channel: f.channels, Z: f.z}
}
