package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/search"
	"github.com/spinemask/spinemask/train"
	"github.com/spinemask/spinemask/weights"
)

// values are what shells offer behind flags that take one of a few words.
func values() map[string][]string {
	return map[string][]string{
		"save":        namesIn(formats),
		"on-existing": {existingOverwrite, existingSkip, existingError},
		"exif":        {exifOn, exifOff},
		"objects":     {export.Detection, export.Annotation},
		"page":        {pageAll},
		"z":           {zMax, zMean},
		"normalize":   {normalizeAuto, "none", "minmax", "percentile:0.1,99.9", "bits:12"},
		"semantics":   {string(weights.TF1), string(weights.TF2), string(weights.Torchvision), string(weights.Detectron2), string(weights.MMDetection1), string(weights.MMDetection2), string(weights.MMDetection3)},
		"style":       {string(weights.StylePyTorch), string(weights.StyleCaffe)},
		"activation":  {string(config.ActivationReLU), string(config.ActivationSwish), string(config.ActivationHardSwish)},
		"variant":     config.Variants(),
		"iou":         {"bbox", "segm", "boundary", "keypoints"},
		"format":      {formatText, formatJSONL, formatCSV},
		"network":     {string(config.ModelMaskRCNN), string(config.ModelRetinaNet), string(config.ModelClassification)},
		"protocol":    {"coco", "lvis"},
		"mode":        {"strict", "corrected"},
		"recipe":      train.RecipeNames(),
		"controller":  search.Controllers(),
		"allocation":  search.Spaces(),
		"block-table": config.BlockTables(),
		"freeze":      {string(train.FreezeStem), string(train.FreezeBackbone), "norms"},
	}
}

// lists are the flags that take several words with commas between them.
var lists = []string{"save", "iou"}

// files are the extensions of files behind flags, and folders those that take a folder.
var (
	files = map[string][]string{
		"model":       {"safetensors", "pth", "pt", "bin", "pkl", "index", "ckpt"},
		"annotations": {"json"},
	}
	folders = []string{"images", "val-images", "preview", "keep"}
)

// complete lets shells complete the values of the flags of all commands.
func complete(root *cobra.Command) {
	words := values()
	for _, cmd := range root.Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			switch {
			case words[f.Name] != nil:
				cmd.RegisterFlagCompletionFunc(f.Name, oneOf(words[f.Name], slices.Contains(lists, f.Name)))
			case files[f.Name] != nil:
				cmd.MarkFlagFilename(f.Name, files[f.Name]...)
			case slices.Contains(folders, f.Name):
				cmd.MarkFlagDirname(f.Name)
			}
		})
	}
}

// oneOf completes to one of some words, or, of a list, its last part to one that it does not have yet.
func oneOf(words []string, list bool) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		if !list {
			return words, cobra.ShellCompDirectiveNoFileComp
		}
		before := typed[:strings.LastIndex(typed, ",")+1]
		var offers []string
		for _, w := range words {
			if !slices.Contains(strings.Split(before, ","), w) {
				offers = append(offers, before+w)
			}
		}
		return offers, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

// oneName lets --output be the same as --out in all commands.
func oneName(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if name == "output" {
		name = "out"
	}
	return pflag.NormalizedName(name)
}
