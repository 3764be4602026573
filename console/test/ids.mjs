export const SHARED_ID = '91a7b528-80eb-42ed-a74d-c6fbd5a26116';
export const DRILL_ID = '5c1f0a3e-2d4b-4e8f-9a61-7b3c9d2e4f10';
export const EXERCISE = '0e0e1b3c-520d-4a7d-9a3e-8e415bd27710';
