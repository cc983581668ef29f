/** esbuild takes the style along. */
declare module '*.css' {}
