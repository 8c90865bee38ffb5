# Where Snakemake looks first when it starts in this folder. The workflow is workflow/Snakefile.


include: "workflow/Snakefile"


# The default target once more: that of an included file does not count here.
rule default:
    default_target: True
    input:
        rules.all.input,
    localrule: True
